package simulation

import (
	"context"
	"fmt"
	"time"

	"github.com/payonce/payonce/engine/memory"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/restore"
)

// disaster takes the backup, or, if there is one, loses the store with every process and restores it.
func (w *World) disaster() {
	switch {
	case !w.opt.Disaster:
	case w.backup == nil:
		w.backup, w.taken, w.backedGate = w.engine.Backup(), w.now, w.gate
		w.note("backup")
	default:
		w.restore()
	}
}

func (w *World) restore() {
	const margin = 5 * time.Minute // clocks differ
	window := &idempotency.Window{From: idempotency.At(w.taken.Add(-margin)), To: idempotency.At(w.now)}
	if old := w.backedGate; old != nil { // the backup is of a restored store that was not swept yet
		window.From, window.Oldest = min(window.From, old.From), old.Oldest
	}
	w.gate = window
	w.engine = memory.Restore(w.backup, w.config)
	for _, r := range w.records() { // an intent may be as old as the payment
		if !r.State.Final() {
			if window.Oldest == 0 || r.Created < window.Oldest {
				window.Oldest = r.Created
			}
		}
	}
	w.backup = nil
	w.note("the store is lost and restored from %s before", w.now.Sub(w.taken))
	if err := w.openDesk(); err != nil {
		panic(err) // as at the start
	}
	for i := range w.procs {
		w.procs[i] = w.boot()
	}
	// Apps repeat what they have no outcome of; here, everything. What was told to them since the backup is forgotten.
	for _, a := range w.apps {
		for _, s := range a.keys {
			s.open = s.open || s.accepted
			s.accepted, s.refused = false, false
		}
	}
}

// sweep walks once over what Stripe has of the forgotten window, and closes it after a complete walk.
func (w *World) sweep() error {
	if w.gate == nil {
		return nil
	}
	s, err := restore.New(restore.Config{
		Ledger: w.engine, Sweep: w.pay.Sweep, Window: *w.gate, Close: func(context.Context) error { return nil },
		Now: w.config.Clock, Logger: w.quiet,
	})
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	w.sweeps = true
	round, err := s.Round(w.ctx)
	w.sweeps = false
	w.note("sweep: %d seen, %d adopted, %d waiting, failed %t", round.Seen, round.Adopted, round.Waiting, err != nil)
	if err == nil && s.Complete(round) {
		w.gate = nil
		w.note("the gate closes")
	}
	return nil
}
