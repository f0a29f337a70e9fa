package workers

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/payonce/payonce/idempotency"
)

// Janitor puts records that are due back on the queue: retries and looks whose delay was too long for a message,
// and whatever lost its message. It settles nothing (rule 10).
type Janitor struct {
	Ledger idempotency.Ledger
	Now    func() time.Time
	// Stopped is the pool's: while workers do not receive, waking only adds messages. Nil: never.
	Stopped func() (bool, time.Time)
	// Every is how often the index is read. Default 1 s.
	Every   time.Duration
	Logger  *slog.Logger
	Metrics *Metrics // nil: none
}

// dueBatch bounds one round of the janitor, in records.
const dueBatch = 200

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
		n, err := j.Round(ctx)
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

// Round wakes up to dueBatch due records and returns how many there were.
func (j *Janitor) Round(ctx context.Context) (int, error) {
	now := j.Now()
	due, err := j.Ledger.Due(ctx, idempotency.At(now), dueBatch)
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
