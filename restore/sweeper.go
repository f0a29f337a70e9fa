package restore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/payonce/payonce/idempotency"
)

// Config of a Sweeper. All but Retry are required.
type Config struct {
	Ledger idempotency.Ledger
	// Sweep yields every PaymentIntent of this installation that was created in the window. Only nil means that the
	// whole window was seen.
	Sweep func(ctx context.Context, window idempotency.Window, yield func(idempotency.Intent) error) error
	// Window is what the ledger may have forgotten. To is the moment of the restore.
	Window idempotency.Window
	// Close forgets the window, durably.
	Close  func(ctx context.Context) error
	Now    func() time.Time
	Logger *slog.Logger
	// Retry is the pause between two walks. Default 30 s.
	Retry time.Duration
}

// Sweeper adopts what Stripe shows and the ledger does not know.
type Sweeper struct{ c Config }

// Round is what one walk over Stripe's list did.
type Round struct {
	Began   idempotency.Instant
	Seen    int // PaymentIntents of this installation
	Adopted int // that are new records now
	Waiting int // that cannot be adopted yet: another payment holds their reference, or a worker has their record
}

// maxTries bounds how often one intent is tried again because its record changed meanwhile.
const maxTries = 8

// New checks the configuration.
func New(c Config) (*Sweeper, error) {
	if c.Ledger == nil || c.Sweep == nil || c.Close == nil || c.Now == nil || c.Logger == nil {
		return nil, errors.New("restore: ledger, sweep, close, now and logger are required")
	}
	if c.Window.To == 0 || c.Window.From > c.Window.To {
		return nil, errors.New("restore: the window needs a begin and a later end")
	}
	if c.Retry <= 0 {
		c.Retry = 30 * time.Second
	}
	return &Sweeper{c: c}, nil
}

// Run walks until a complete walk that began after the quiet period left nothing to adopt, then closes the window.
// It returns nil then, and ctx.Err() when ctx ends first; a failed walk is logged and repeated.
func (s *Sweeper) Run(ctx context.Context) error {
	for {
		round, err := s.Round(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			s.c.Logger.Warn("restore sweep failed, trying again", slog.String("error", err.Error()))
		case s.Complete(round):
			err := s.c.Close(ctx)
			if err == nil {
				s.c.Logger.Info("restore sweep complete, first attempts no longer ask", slog.Int("count", round.Seen))
				return nil
			}
			s.c.Logger.Warn("the restore window could not be closed, trying again", slog.String("error", err.Error()))
		default:
			s.c.Logger.Info("restore sweep", slog.Int("count", round.Adopted), slog.Int("records", round.Seen))
		}
		if err := s.pause(ctx, err == nil && round.Waiting == 0); err != nil {
			return err
		}
	}
}

// Complete says whether nothing that counts can have been missed: a request of the process that was lost with the
// forgotten records may reach Stripe as late as the quiet period after the restore.
func (s *Sweeper) Complete(r Round) bool {
	return r.Waiting == 0 && r.Began >= s.c.Window.To.Add(idempotency.Quiet)
}

// pause waits for the next walk: until the quiet period has passed if the only thing missing is time.
func (s *Sweeper) pause(ctx context.Context, clean bool) error {
	wait := s.c.Retry
	if quiet := s.c.Window.To.Add(idempotency.Quiet).Time().Sub(s.c.Now()); clean {
		wait = max(wait, quiet+time.Millisecond)
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Round walks once over the window, to its end in the quiet period after the restore, and adopts. An error says that
// the walk did not see everything; what was adopted stays adopted.
func (s *Sweeper) Round(ctx context.Context) (Round, error) {
	r := Round{Began: idempotency.At(s.c.Now())}
	window := idempotency.Window{From: s.c.Window.SweepFrom(), To: s.c.Window.To.Add(idempotency.Quiet)}
	err := s.c.Sweep(ctx, window, func(i idempotency.Intent) error {
		if i.Payment.IsZero() || i.Tenant == "" {
			return nil // not made by payonce
		}
		r.Seen++
		result, err := s.adopt(ctx, i)
		switch result {
		case adopted:
			r.Adopted++
		case waiting:
			r.Waiting++
		}
		return err
	})
	return r, err
}

type result uint8

const (
	nothing result = iota // known, or of no consequence
	adopted
	waiting // for the payment that holds its reference
)

func (s *Sweeper) adopt(ctx context.Context, i idempotency.Intent) (result, error) {
	r, err := s.c.Ledger.Load(ctx, i.Payment)
	if err != nil && !errors.Is(err, idempotency.ErrNotFound) {
		return nothing, fmt.Errorf("read the record: %w", err)
	}
	for range maxTries {
		known := r.State != idempotency.Absent
		change, _, err := idempotency.Next(r, idempotency.Adopt{Intent: i}, s.c.Now())
		if err != nil {
			return nothing, fmt.Errorf("adopt: %w", err)
		}
		if change.Empty() {
			return nothing, nil
		}
		busy := r.State == idempotency.Processing && r.Intent == "" // its worker may yet learn of the intent by itself
		err = s.c.Ledger.Commit(ctx, change)
		var stale *idempotency.StaleError
		var held *idempotency.HeldError
		switch {
		case err == nil && busy:
			return waiting, nil
		case err == nil && known:
			return nothing, nil
		case err == nil:
			s.c.Logger.Info("adopted a payment that the backup had forgotten", slog.String("payment", i.Payment.String()),
				slog.String("state", change.Record.State.String()))
			return adopted, nil
		case errors.As(err, &stale):
			r = stale.Current
		case errors.As(err, &held):
			return s.held(ctx, i, held.Holder)
		default:
			return nothing, fmt.Errorf("adopt: %w", err)
		}
	}
	return nothing, errors.New("adopt: the record kept changing")
}

// held decides about an intent whose reference another payment holds. The backup has the holder as it was then; asked
// again, it learns at Stripe that it ended, and lets go.
func (s *Sweeper) held(ctx context.Context, i idempotency.Intent, holder idempotency.Record) (result, error) {
	switch i.Status {
	case idempotency.IntentRequiresPaymentMethod, idempotency.IntentRequiresConfirmation:
		// Only a worker of ours could charge it, and it would need the record: the app's repeat decides.
		return nothing, nil
	}
	if holder.State.Final() {
		// Both are, or may become, paid. That is beyond a program: a person has to see it.
		s.c.Logger.Error("a purchase may be paid twice, see the dead letters", slog.String("payment", i.Payment.String()))
		return nothing, s.commit(ctx, idempotency.Change{Letter: &idempotency.Letter{
			Operation: i.Payment, Tenant: i.Tenant, Class: idempotency.AttentionDuplicate, At: idempotency.At(s.c.Now()),
			Reason: "a restore found this payment at Stripe (" + i.ID + "), and its purchase is already held by " + holder.ID.String(),
		}})
	}
	change, _, err := idempotency.Next(holder, idempotency.Wake{}, s.c.Now())
	if err != nil {
		return waiting, fmt.Errorf("wake the holder: %w", err)
	}
	if change.Empty() {
		// Not due: its worker is asked all the same. A message too many does no harm.
		change.Messages = []idempotency.Message{{Operation: holder.ID, Trace: holder.Trace}}
	}
	if err := s.commit(ctx, change); err != nil {
		return waiting, fmt.Errorf("wake the holder: %w", err)
	}
	return waiting, nil
}

// commit takes a stale record for done: somebody else moved it.
func (s *Sweeper) commit(ctx context.Context, c idempotency.Change) error {
	if err := s.c.Ledger.Commit(ctx, c); err != nil && !errors.Is(err, idempotency.ErrStale) {
		return err
	}
	return nil
}
