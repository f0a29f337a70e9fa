package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/payonce/payonce/idempotency"
)

// ErrUnavailable is what *UnavailableError matches.
var ErrUnavailable = errors.New("stripe cannot be asked")

// UnavailableError ends a sweep that did not see its whole window. What was yielded is true all the same.
type UnavailableError struct {
	Class  idempotency.AnswerClass // of the last try
	Status int                     // HTTP; 0 without an answer
	Code   string
}

// Error names the class of the last answer.
func (e *UnavailableError) Error() string {
	return fmt.Sprintf("%v: %s, status %d", ErrUnavailable, e.Class, e.Status)
}

// Is matches ErrUnavailable.
func (e *UnavailableError) Is(target error) bool { return target == ErrUnavailable }

// How a sweep waits for Stripe: from pauseFirst doubling to pauseLongest, for pauseTotal per page in all.
const (
	pauseFirst   = 500 * time.Millisecond
	pauseLongest = 15 * time.Second
	pauseTotal   = 2 * time.Minute
)

// Sweep calls yield for each PaymentIntent of this installation that was created in the window, newest first, from
// one walk over Stripe's list. It waits out rate limits and short outages and spends the read budget.
//
// Errors: whatever yield returns, at once; ctx.Err(); *UnavailableError. Only nil means that the whole window was
// seen. Safe to repeat: it changes nothing at Stripe.
func (s *Stripe) Sweep(ctx context.Context, window idempotency.Window, yield func(idempotency.Intent) error) error {
	l := s.list("sweep", window.From, window.To)
	for !l.done {
		p, err := l.patient(ctx)
		if err != nil {
			return err
		}
		for i := range p.intents {
			w := &p.intents[i]
			if w.Metadata.Installation != s.installation.String() {
				continue
			}
			intent, err := w.intent(s.installation)
			if err != nil {
				return &UnavailableError{Class: idempotency.AnswerNone, Code: CodeUnreadable}
			}
			if err := yield(*intent); err != nil {
				return err
			}
		}
	}
	return nil
}

// patient asks for the next page until it comes or waiting makes no sense.
func (l *listing) patient(ctx context.Context) (p page, err error) {
	pauses := backoff.NewExponentialBackOff(backoff.WithInitialInterval(pauseFirst), backoff.WithMaxInterval(pauseLongest),
		backoff.WithMaxElapsedTime(pauseTotal))
	err = backoff.Retry(func() error {
		var a idempotency.Answer
		if p, a = l.next(ctx); a.Class == idempotency.AnswerIntent {
			return nil
		}
		unavailable := &UnavailableError{Class: a.Class, Status: a.Status, Code: a.Code}
		switch {
		case ctx.Err() != nil:
			return backoff.Permanent(ctx.Err())
		case a.Code == CodeTooManyPages, a.Code == CodeUnreadable:
			return backoff.Permanent(unavailable)
		case a.Class == idempotency.AnswerNone, a.Class == idempotency.AnswerNotSent, a.Class == idempotency.AnswerBusy:
			return unavailable
		}
		return backoff.Permanent(unavailable)
	}, backoff.WithContext(pauses, ctx))
	return p, err
}
