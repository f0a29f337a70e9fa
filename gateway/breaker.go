package gateway

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/payonce/payonce/idempotency"
)

// The breaker's settings.
const (
	// tripAfter failures in a row, or at least half of tripOf or more exchanges within tripWindow, mean that Stripe
	// cannot be reached.
	tripAfter  = 5
	tripOf     = 20
	tripWindow = 30 * time.Second
	// unreachablePause is how long workers stop receiving before one request tries again.
	unreachablePause = 10 * time.Second
	// refusedPause is the same after Stripe refused the key: an operator has to mend that.
	refusedPause = 30 * time.Second
	// probeWait is how soon to ask again while a probe is under way.
	probeWait = time.Second
	// probeHold is how long the one who was let through may take until its exchange begins. After it the next may try:
	// the first may have found nothing to do.
	probeHold = 5 * time.Second
)

// StopReason says why workers should not receive.
type StopReason string

// The reasons.
const (
	StopNone        StopReason = ""
	StopUnreachable StopReason = "unreachable"
	StopCredentials StopReason = "credentials"
)

var (
	errFailed   = errors.New("failed")
	errExcluded = errors.New("says nothing")
)

// gate is one circuit breaker. It never refuses a request: it tells workers to stop receiving, so that messages are
// not failed, and evidence can still be read. While it is half open one exchange counts as the probe.
type gate struct {
	cb      *gobreaker.TwoStepCircuitBreaker[struct{}]
	pause   time.Duration
	until   atomic.Int64 // ms; when the present pause ends
	probing atomic.Int32 // exchanges under way that count as the probe
	held    atomic.Int64 // ms; until then the place of the probe is taken by one who has not begun yet
}

func newGate(name string, pause time.Duration, window time.Duration, trip func(gobreaker.Counts) bool, changed func(name, to string)) *gate {
	g := &gate{pause: pause}
	g.cb = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name: name, MaxRequests: 1, Interval: window, BucketPeriod: window / 6, Timeout: pause, ReadyToTrip: trip,
		IsExcluded: func(err error) bool { return errors.Is(err, errExcluded) },
		OnStateChange: func(name string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				g.until.Store(time.Now().Add(pause).UnixMilli())
			}
			g.held.Store(0)
			changed(name, to.String())
		},
	})
	return g
}

// begin counts an exchange in; the returned function takes its result: nil, errFailed or errExcluded.
func (g *gate) begin() func(error) {
	probe := g.cb.State() == gobreaker.StateHalfOpen
	done, err := g.cb.Allow()
	if err != nil {
		return func(error) {} // paused: whoever goes on anyway is not counted
	}
	if !probe {
		return done
	}
	g.probing.Add(1)
	return func(err error) {
		done(err)
		g.probing.Add(-1)
	}
}

// open reports whether to stop, and until when not to ask again. Half open is still a stop.
func (g *gate) open() (bool, time.Time) {
	switch g.cb.State() {
	case gobreaker.StateOpen:
		return true, time.UnixMilli(g.until.Load())
	case gobreaker.StateHalfOpen:
		return true, time.Now().Add(probeWait)
	default:
		return false, time.Time{}
	}
}

// probe takes the place of the probe in a gate that is half open. False: it is taken.
func (g *gate) probe() bool {
	if g.probing.Load() > 0 {
		return false
	}
	now := time.Now()
	before := g.held.Load()
	return now.UnixMilli() >= before && g.held.CompareAndSwap(before, now.Add(probeHold).UnixMilli())
}

// breaker is the two gates of an account.
type breaker struct{ unreachable, credentials *gate }

func newBreaker(changed func(name, to string)) *breaker {
	return &breaker{
		unreachable: newGate(string(StopUnreachable), unreachablePause, tripWindow, func(c gobreaker.Counts) bool {
			return c.ConsecutiveFailures >= tripAfter || c.Requests >= tripOf && c.TotalFailures*2 >= c.Requests
		}, changed),
		credentials: newGate(string(StopCredentials), refusedPause, 0, func(c gobreaker.Counts) bool {
			return c.ConsecutiveFailures >= 1
		}, changed),
	}
}

// begin counts an exchange in at both gates.
func (b *breaker) begin() func(idempotency.AnswerClass, bool) {
	reach, cred := b.unreachable.begin(), b.credentials.begin()
	return func(class idempotency.AnswerClass, canceled bool) {
		switch {
		case canceled:
			reach(errExcluded)
			cred(errExcluded)
		case class == idempotency.AnswerNone || class == idempotency.AnswerNotSent:
			reach(errFailed)
			cred(errExcluded)
		case class == idempotency.AnswerStored500:
			reach(errFailed)
			cred(nil)
		case class == idempotency.AnswerRefused:
			reach(nil)
			cred(errFailed)
		default:
			reach(nil)
			cred(nil)
		}
	}
}

// Open reports whether workers are stopped, and until when they should not ask again. Do does not refuse meanwhile:
// evidence may be read, and what is under way may end. Asking changes nothing.
// Safe for concurrent use; cheap enough to ask before every receive.
func (s *Stripe) Open() (bool, time.Time) {
	_, stop, until := s.Stopped()
	return stop, until
}

// Admit is how many of the most messages a worker may receive now: all, or none until the time given, or one, whose
// exchange is the probe that ends or prolongs a pause. Whoever is given one takes the place of the probe with it.
// Safe for concurrent use.
func (s *Stripe) Admit(most int) (int, time.Time) {
	stopped := false
	for _, g := range []*gate{s.breaker.unreachable, s.breaker.credentials} {
		switch open, until := g.open(); {
		case !open:
		case g.cb.State() != gobreaker.StateHalfOpen || !g.probe():
			return 0, until
		default:
			stopped = true
		}
	}
	if stopped {
		return min(1, most), time.Time{}
	}
	return most, time.Time{}
}

// Stopped is Open with the reason; where both apply, the one that lasts longer.
func (s *Stripe) Stopped() (StopReason, bool, time.Time) {
	down, downUntil := s.breaker.unreachable.open()
	refused, refusedUntil := s.breaker.credentials.open()
	switch {
	case refused && (!down || refusedUntil.After(downUntil)):
		return StopCredentials, true, refusedUntil
	case down:
		return StopUnreachable, true, downUntil
	}
	return StopNone, false, time.Time{}
}

// gaveUp reports whether ctx was ended by the caller, not by the clock.
func gaveUp(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }
