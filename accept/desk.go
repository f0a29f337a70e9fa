// Package accept is the one door for payment events: whatever way they come in, they are decoded, guarded, named and
// committed here, and a caller is told of a payment only once it is durable.
package accept

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// Depth says how much work is waiting. queue.Consumer has it.
type Depth interface {
	Depth(ctx context.Context) (queue.Depth, error)
}

// Config of a Desk.
type Config struct {
	Ledger idempotency.Ledger // required
	// Queue is asked on each submit when MaxBacklog is set.
	Queue Depth
	// Clock tells the time. Default time.Now.
	Clock func() time.Time
	// Installation is drawn when the ledger is made; payment ids are derived from it. Required.
	Installation uuid.UUID
	// Secret keys the fingerprints: at least 16 bytes, drawn when the ledger is made, never changed. Required.
	Secret []byte
	// Gate reports whether the ledger was restored and may still have forgotten payments. While it does, a cancel of
	// an unknown key is undecided: its payment may be charged. Nil: never.
	Gate func() bool
	// MaxBacklog bounds the work that waits: above it new payments are refused, repeats are still answered.
	// 0: no bound.
	MaxBacklog int
	// RetryAfter is what a refused caller is told to wait. Default 5 s.
	RetryAfter time.Duration
}

// Desk accepts and cancels payments. Safe for concurrent use.
type Desk struct {
	ledger       idempotency.Ledger
	queue        Depth
	now          func() time.Time
	installation uuid.UUID
	secret       []byte
	maxBacklog   int
	retryAfter   time.Duration
	resend       bool
	gate         func() bool
}

// maxTries bounds how often a commit is tried again after the record changed under it. Each change is somebody's
// progress, so even two tries are rare.
const maxTries = 8

const minSecret = 16

// New returns a Desk, or an error that names what the Config lacks.
func New(c Config) (*Desk, error) {
	switch {
	case c.Ledger == nil:
		return nil, errors.New("accept: a ledger is required")
	case c.Installation == uuid.Nil:
		return nil, errors.New("accept: an installation id is required")
	case len(c.Secret) < minSecret:
		return nil, fmt.Errorf("accept: the fingerprint secret needs at least %d bytes", minSecret)
	case c.MaxBacklog < 0 || c.MaxBacklog > 0 && c.Queue == nil:
		return nil, errors.New("accept: a backlog bound needs a queue to ask, and cannot be negative")
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.RetryAfter <= 0 {
		c.RetryAfter = 5 * time.Second
	}
	return &Desk{
		ledger: c.Ledger, queue: c.Queue, now: c.Clock, installation: c.Installation, secret: c.Secret,
		maxBacklog: c.MaxBacklog, retryAfter: c.RetryAfter, resend: !c.Ledger.AtomicAccept(), gate: c.Gate,
	}, nil
}

// Result is what became of a Submit or Cancel.
type Result struct {
	// Record is the payment as it is stored now.
	Record idempotency.Record
	// Replayed says that the key had been used before, for the same, so that this call decided nothing.
	Replayed bool
	// Warnings are about the request; a Cancel has none.
	Warnings []events.Warning
}

// Submit accepts the payment event in body for a tenant, under an idempotency key. When it returns a Result, record and
// work message are durable. trace is a W3C traceparent, or empty. body is not kept.
//
// An existing record answers before anything but the body's own validity: before the holder of the reference and before
// the backlog bound (rule 2).
//
// Final for this call: *events.InvalidError, ErrKeyReused, *HeldError. Refused for now, nothing stored: *BacklogError.
// Undecided, to be repeated with the same key: *UndecidedError. Only a *HeldError leaves earlier, unanswered calls
// of the same key open: they may still be stored.
func (d *Desk) Submit(ctx context.Context, tenant string, key events.Key, body []byte, trace string) (Result, error) {
	payment, err := events.DecodePayment(body)
	if err != nil {
		return Result{}, err
	}
	in := idempotency.Submit{
		ID:          events.PaymentID(d.installation, tenant, key),
		Tenant:      tenant,
		KeyHash:     key.Hash(),
		Fingerprint: events.Fingerprint(d.secret, events.KindCharge, payment.Canonical()),
		Request:     payment,
		Trace:       trace,
	}
	found, err := d.admit(ctx, in.ID)
	if err != nil {
		return Result{}, err
	}
	res, err := d.run(ctx, found, func(r idempotency.Record) (idempotency.Change, error) {
		in.Resend = d.resend && r.State != idempotency.Absent
		c, _, err := idempotency.Next(r, in, d.now())
		return c, err
	})
	if err != nil {
		return Result{}, d.refused(ctx, err)
	}
	res.Warnings = payment.Amount.Warnings()
	return res, nil
}

// Cancel calls off the payment of a key: at once where no record exists yet, else through a worker, which closes it at
// Stripe first. The Record of the Result is canceled, or still open and on its way.
//
// Final for this call: ErrKeyReused, *TooLateError. To be repeated: *UndecidedError.
func (d *Desk) Cancel(ctx context.Context, tenant string, key events.Key) (Result, error) {
	in := idempotency.Cancel{ID: events.PaymentID(d.installation, tenant, key), Tenant: tenant, KeyHash: key.Hash()}
	found, err := d.load(ctx, in.ID)
	if err != nil {
		return Result{}, err
	}
	return d.run(ctx, found, func(r idempotency.Record) (idempotency.Change, error) {
		if r.State == idempotency.Absent && d.gate != nil && d.gate() {
			return idempotency.Change{}, &UndecidedError{Cause: errForgotten}
		}
		c, _, err := idempotency.Next(r, in, d.now())
		var late *idempotency.TooLateError
		if errors.As(err, &late) {
			err = &TooLateError{Record: r}
		}
		return c, err
	})
}

// run commits what next says, starting from r, and starts again from the stored record where that has changed.
func (d *Desk) run(ctx context.Context, r idempotency.Record, next func(idempotency.Record) (idempotency.Change, error)) (Result, error) {
	for range maxTries {
		c, err := next(r)
		if err != nil {
			return Result{}, err
		}
		if c.Empty() {
			return Result{Record: r, Replayed: true}, nil
		}
		err = d.ledger.Commit(ctx, c)
		var stale *idempotency.StaleError
		switch {
		case err == nil && c.Record == nil: // a message that was sent again
			return Result{Record: r, Replayed: true}, nil
		case err == nil:
			// A record that was there before and got no new wish only got its request back, after a restore.
			replayed := r.State != idempotency.Absent && r.Closing == c.Record.Closing
			return Result{Record: *c.Record, Replayed: replayed}, nil
		case errors.As(err, &stale):
			r = stale.Current
		case errors.Is(err, idempotency.ErrHeld):
			return Result{}, err
		default:
			return Result{}, &UndecidedError{Cause: err}
		}
	}
	return Result{}, &UndecidedError{Cause: errContended}
}

// admit is the backlog bound. Within it the record is not read: the commit will tell whether there is one.
func (d *Desk) admit(ctx context.Context, id events.ID) (idempotency.Record, error) {
	if d.maxBacklog == 0 {
		return idempotency.Record{}, nil
	}
	depth, err := d.queue.Depth(ctx)
	if err != nil {
		return idempotency.Record{}, &UndecidedError{Cause: fmt.Errorf("asking for the backlog: %w", err)}
	}
	if depth.Waiting() < d.maxBacklog {
		return idempotency.Record{}, nil
	}
	r, err := d.load(ctx, id)
	if err != nil {
		return idempotency.Record{}, err
	}
	if r.State == idempotency.Absent {
		return idempotency.Record{}, &BacklogError{RetryAfter: d.retryAfter}
	}
	return r, nil
}

// load reads a record; State is Absent where there is none.
func (d *Desk) load(ctx context.Context, id events.ID) (idempotency.Record, error) {
	r, err := d.ledger.Load(ctx, id)
	switch {
	case errors.Is(err, idempotency.ErrNotFound):
		return idempotency.Record{}, nil
	case err != nil:
		return idempotency.Record{}, &UndecidedError{Cause: err}
	}
	return r, nil
}

// refused turns a Commit that met a holder into a *HeldError, after making sure that the holder can get on: one whose
// message was never sent would block its purchase for ever (rule 1).
func (d *Desk) refused(ctx context.Context, err error) error {
	var held *idempotency.HeldError
	if !errors.As(err, &held) {
		return err
	}
	if d.resend && held.Holder.State == idempotency.Accepted {
		c, _, wakeErr := idempotency.Next(held.Holder, idempotency.Wake{}, d.now())
		if wakeErr == nil && !c.Empty() {
			wakeErr = d.ledger.Commit(ctx, c)
		}
		// A stale holder has moved on by itself.
		if wakeErr != nil && !errors.Is(wakeErr, idempotency.ErrStale) {
			return &UndecidedError{Cause: wakeErr}
		}
	}
	return &HeldError{Holder: held.Holder}
}
