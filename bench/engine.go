package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The engine's modes.
const (
	engineStore = "store" // engine/embedded
	engineLog   = "log"   // the same bytes, appended to a file and synced in groups
	engineNone  = "none"  // the callers alone: changes are made and thrown away
)

// engine measures the store without HTTP and Stripe: accept, receive, claim, settle with outcome and delete, against
// an append-only log of the same bytes; on an empty store and on a big one.
func (b *bench) engine(ctx context.Context) (*table, error) {
	big, have, err := b.bigStore(ctx)
	if err != nil {
		return nil, err
	}
	const none, log, empty = "callers alone", "append-only log", "store, empty at first"
	full := fmt.Sprintf("store with %d records", have)
	names := []string{none, log, empty, full}
	runs := map[string][]engineAnswer{}
	for round := range b.rounds {
		for _, name := range names {
			o := engineOrder{Mode: engineStore, Dir: big, Payments: b.operations, Callers: b.connections, Prefix: fmt.Sprintf("%s-%d", b.stamp(), round)}
			switch name {
			case none:
				o.Mode = engineNone
			case log:
				o.Mode = engineLog
			}
			r, err := b.engineRun(ctx, o, name != full)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			b.note("engine, round %d: %s: %.1f us, %.0f/s, %.0f bytes", round+1, name, r.CPU, r.PerSecond, r.Given)
			runs[name] = append(runs[name], r)
		}
	}
	t := &table{
		Title: "Engine alone: accept, claim, settle, publish, delete",
		Load: fmt.Sprintf("%d rounds, interleaved, of %d payments with a reference after %d to warm up; %d callers in the engine's own process",
			b.rounds, b.operations, warmUp, b.connections),
		Columns: []string{"engine", "CPU us/payment", "x log", "payments/s", "accept p50/p99 ms", "bytes given to write/payment", "bytes to disk/payment", "RSS MB"},
		Data:    runs,
	}
	figure := func(name string, f func(engineAnswer) float64) spread { return of(runs[name], f) }
	cpu := func(name string) spread { return figure(name, func(r engineAnswer) float64 { return r.CPU }) }
	for _, name := range names {
		t.row(name, cpu(name).text(1), ratios(cpu(name), cpu(log)).text(2),
			figure(name, func(r engineAnswer) float64 { return r.PerSecond }).text(0),
			fmt.Sprintf("%.2f / %.2f", figure(name, func(r engineAnswer) float64 { return r.Accept.P50 / 1000 }).Median,
				figure(name, func(r engineAnswer) float64 { return r.Accept.P99 / 1000 }).Median),
			figure(name, func(r engineAnswer) float64 { return r.Given }).text(0),
			figure(name, func(r engineAnswer) float64 { return r.Written }).text(0),
			fmt.Sprintf("%.0f", figure(name, func(r engineAnswer) float64 { return float64(r.RSS) / (1 << 20) }).Median))
	}
	rate := func(name string) spread { return figure(name, func(r engineAnswer) float64 { return r.PerSecond }) }
	t.note("payments/s with %d records, x empty: %s", have, ratios(rate(full), rate(empty)).text(2))
	last := runs[full][len(runs[full])-1]
	t.note("big store: pages of %d bytes, file of %.0f MB for %d records (it grows by the payments of each round)", last.PageSize,
		float64(last.File)/(1<<20), last.Records)
	t.note("bytes given to write are log and database together, as the store wrote them; bytes to disk are the kernel's, in pages of 4 KiB")
	t.note("the log takes each payment's four steps as ready bytes (%.0f a payment): it encodes nothing, so its ratio is a hard one", runs[log][0].Given)
	return t, nil
}

func (b *bench) engineRun(ctx context.Context, o engineOrder, fresh bool) (r engineAnswer, err error) {
	if fresh {
		dir, remove, err := b.folder("engine")
		if err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, remove()) }()
		o.Dir = dir
	}
	return ask[engineAnswer](ctx, b, partEngine, o)
}

// stamp makes the keys of this run of the program its own in a store that is kept.
func (b *bench) stamp() string { return b.report.Machine.Time.Format("20060102150405") }

// bigStore fills the big store, if it is not there from an earlier run, and gives its folder and size.
func (b *bench) bigStore(ctx context.Context) (dir string, records int, err error) {
	if b.big == "" {
		b.big = b.store
		if b.big == "" {
			b.big = filepath.Join(b.dir, "store")
		}
		if err := os.MkdirAll(b.big, 0o700); err != nil {
			return "", 0, err
		}
	}
	a, err := ask[preloadAnswer](ctx, b, partPreload, preloadOrder{
		Dir: b.big, Records: b.records, Limit: b.storeLimit, Callers: 4 * b.connections, Prefix: b.stamp(),
	})
	return b.big, a.Records, err
}
