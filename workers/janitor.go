package workers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// Janitor puts records that are due back on the queue: retries and looks whose delay was too long for a message,
// and whatever lost its message. It settles nothing (rule 10).
type Janitor struct {
	Ledger idempotency.Ledger
	Now    func() time.Time
	// Stopped tells that workers do not receive for now: waking would only add messages. Nil: never.
	Stopped func() (bool, time.Time)
	// Depth is how much waits on the queue. While more waits than one round wakes, what is due most likely has its
	// message among that, so few are woken at a time. Nil: nothing waits.
	Depth func(ctx context.Context) (queue.Depth, error)
	// Every is how often the index is read. Default 1 s.
	Every   time.Duration
	Logger  *slog.Logger
	Metrics *Metrics // nil: none
}

const (
	// dueBatch bounds one round of the janitor, in records.
	dueBatch = 200
	// dueTrickle is the same while a backlog waits: a record whose message was lost still gets one, and the spare
	// messages of the others stay a small share of what workers do.
	dueTrickle = 20
)

// Run wakes what is due until ctx ends.
func (j *Janitor) Run(ctx context.Context) error {
	every := j.Every
	if every == 0 {
		every = time.Second
	}
	for {
		if j.Stopped != nil {
			if stopped, _ := j.Stopped(); stopped {
				if !wait(ctx, every) {
					return nil
				}
				continue
			}
		}
		n, err := j.round(ctx)
		if err != nil && ctx.Err() == nil {
			j.Logger.Warn("janitor round failed", slog.String("error", err.Error()))
		}
		if n == dueBatch && err == nil {
			continue
		}
		if !wait(ctx, every) {
			return nil
		}
	}
}

// round wakes as many as the backlog allows.
func (j *Janitor) round(ctx context.Context) (int, error) {
	if j.Depth == nil {
		return j.Round(ctx, dueBatch)
	}
	depth, err := j.Depth(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the depth of the queue: %w", err)
	}
	if depth.Visible > dueBatch {
		return j.Round(ctx, dueTrickle)
	}
	return j.Round(ctx, dueBatch)
}

// Round wakes up to most due records and returns how many there were.
func (j *Janitor) Round(ctx context.Context, most int) (int, error) {
	now := j.Now()
	due, err := j.Ledger.Due(ctx, idempotency.At(now), most)
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, id := range due {
		r, err := j.Ledger.Load(ctx, id)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		change, _, err := idempotency.Next(r, idempotency.Wake{}, now)
		if err != nil || change.Empty() {
			continue
		}
		// A stale record was moved by its worker meanwhile: it is no longer our business.
		if err := j.Ledger.Commit(ctx, change); err != nil && !errors.Is(err, idempotency.ErrStale) {
			failed = append(failed, err)
			continue
		}
		j.Metrics.woken()
	}
	return len(due), errors.Join(failed...)
}
