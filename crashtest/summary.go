package main

import (
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

// summary prints what was done and found.
func (v *verifier) summary() error {
	t := tabwriter.NewWriter(v.out, 0, 0, 2, ' ', 0)
	row := func(what string, value any) { fmt.Fprintf(t, "%s\t%v\n", what, value) }
	row("kills", v.house.kills)
	row("starts", v.house.starts.Load())
	row("time", time.Since(v.began).Round(time.Second))
	row("keys submitted", v.load.n)
	row("payments acknowledged", len(v.load.paid))
	row("answers repeated", v.load.repeated)
	for _, code := range slices.Sorted(maps.Keys(v.load.refused)) {
		row("refused: "+code, v.load.refused[code])
	}
	for _, state := range slices.Sorted(maps.Keys(v.states)) {
		row("payments "+string(state), v.states[state])
	}
	row("payments that need attention", v.attention)
	row("payments unpaid and still in doubt", v.doubt)
	row("waited for payments in doubt", v.waited.Round(time.Second))
	row("charges at the stand-in", v.stats.Charges)
	row("most charges of a payment", v.stats.PerPayment.Max)
	row("most charges of a purchase", v.stats.PerReference.Max)
	row("answers replayed by the stand-in", v.stats.Replayed)
	for _, kind := range slices.Sorted(maps.Keys(v.stats.Faults)) {
		row("faults: "+string(kind), v.stats.Faults[kind])
	}
	row("outcome events", v.events)
	row("violations", len(v.violations))
	return t.Flush()
}
