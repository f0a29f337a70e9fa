package simulation

import (
	"fmt"
	"time"

	"github.com/payonce/payonce/idempotency"
)

// Run simulates one seed and verifies it. The error says which promise broke.
func Run(opt Options) (Result, error) {
	w, err := newWorld(opt)
	if err != nil {
		return Result{}, err
	}
	defer w.cancel()
	defer w.pay.Close()
	for range w.opt.Steps {
		w.draw()
	}
	if err := w.heal(); err != nil {
		return w.result(), fmt.Errorf("seed %d: %w", opt.Seed, err)
	}
	if err := w.verify(); err != nil {
		return w.result(), fmt.Errorf("seed %d: %w", opt.Seed, err)
	}
	// What was late comes now: nothing may turn a reported "no" into a charge, or one charge into two.
	w.now = w.now.Add(96 * time.Hour)
	w.stripe.Tick(w.now)
	if err := w.verify(); err != nil {
		return w.result(), fmt.Errorf("seed %d, four days later: %w", opt.Seed, err)
	}
	return w.result(), nil
}

// draw lets one thing happen.
func (w *World) draw() {
	p := w.procs[w.rng.IntN(len(w.procs))]
	switch n := w.rng.IntN(1000); {
	case n < 120:
		w.app()
	case n < 260:
		if len(p.tasks) < tasksPerWorker {
			w.deliver(p)
		}
	case n < 820:
		if len(p.tasks) > 0 {
			w.step(p, w.rng.IntN(len(p.tasks)))
		}
	case n < 840:
		w.crash(p)
	case n < 880:
		w.wakeDue()
	case n < 890:
		w.payer()
	case n < 893:
		if w.opt.OneStep {
			break // that mode rests on Stripe keeping its keys for the 24 h that it documents
		}
		w.stripe.Forget(w.now)
		w.note("Stripe forgets its keys")
	case n < 897:
		w.downTo = w.now.Add(time.Duration(w.rng.Int64N(int64(time.Hour))))
		w.note("Stripe is down until %s", w.downTo.Format(time.TimeOnly))
	case n < 901:
		w.disaster()
	case n < 911:
		if err := w.sweep(); err != nil {
			w.note("%v", err)
		}
	case n < 990:
		w.pass(time.Duration(w.rng.Int64N(int64(20 * time.Second))))
	case n < 998:
		w.pass(time.Duration(w.rng.Int64N(int64(time.Hour))))
	default:
		w.pass(time.Duration(w.rng.Int64N(int64(30 * time.Hour))))
	}
}

func (w *World) app() {
	a := w.apps[w.rng.IntN(len(w.apps))]
	s := a.keys[w.rng.IntN(len(a.keys))]
	switch n := w.rng.IntN(40); {
	case n == 0:
		w.callOff(s)
	case n == 1 && s.accepted:
		w.otherBody(s)
	default:
		w.submit(s)
	}
}

// crash ends a process between two effects. Its tasks are gone, its messages come back when their time is up.
func (w *World) crash(p *process) {
	w.res.Crashes++
	w.note("%s dies with %d tasks", p.boot, len(p.tasks))
	for i := range w.procs {
		if w.procs[i] == p {
			w.procs[i] = w.boot()
		}
	}
}

func (w *World) pass(d time.Duration) {
	w.now = w.now.Add(d)
	w.stripe.Tick(w.now)
}

// wakeDue is the janitor.
func (w *World) wakeDue() {
	due, err := w.engine.Due(w.ctx, idempotency.At(w.now), 100)
	if err != nil {
		return
	}
	for _, id := range due {
		r, err := w.engine.Load(w.ctx, id)
		if err != nil {
			continue
		}
		c, _, err := idempotency.Next(r, idempotency.Wake{}, w.now)
		if err != nil || c.Empty() {
			continue
		}
		err = w.engine.Commit(w.ctx, c)
		w.note("janitor wakes %s: %v", short(id), err != nil)
	}
}

// heal ends all faults and lets the system come to rest: apps repeat what was not answered, payers act, days pass.
// What is not final then has to be visible to an operator.
func (w *World) heal() error {
	w.healed, w.downTo = true, time.Time{}
	w.note("healed")
	for _, a := range w.apps {
		for _, s := range a.keys {
			if s.open && !s.accepted {
				w.submit(s) // "any 5xx is undecided: repeat with the same key"
			}
		}
	}
	for round := range 200 {
		busy := false
		for _, p := range w.procs {
			for w.deliver(p) {
			}
			for len(p.tasks) > 0 {
				w.step(p, 0)
				busy = true
			}
		}
		w.payer()
		if w.gate != nil && idempotency.At(w.now) >= w.gate.To.Add(idempotency.Quiet) && !busy {
			if err := w.sweep(); err != nil { // one that began earlier cannot close the gate
				return err
			}
		}
		if !busy && w.settled() && w.gate == nil {
			return nil
		}
		step := 10 * time.Second
		if round > 60 {
			step = 30 * time.Minute
		}
		w.pass(step)
		w.wakeDue()
	}
	for _, r := range w.records() {
		if !r.State.Final() && r.Attention == nil {
			return fmt.Errorf("%s never came to rest: %s, due %s, not before %s", r.ID, r.State, r.Due.Time(), r.NotBefore.Time())
		}
	}
	return nil
}

// settled: everything is final and published.
func (w *World) settled() bool {
	for _, r := range w.records() {
		if !r.State.Final() || !r.Published {
			return false
		}
	}
	return true
}
