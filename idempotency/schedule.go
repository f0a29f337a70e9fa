package idempotency

import (
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
)

const (
	// wakeGrace is how long the janitor waits for a delayed message before it sends another.
	wakeGrace = time.Minute
	// wakeAgain is when the janitor looks again at a record that it has put back to work: long, since each time is one
	// message more, and the backlog may be what keeps the first from being received.
	wakeAgain = 30 * time.Minute
	// maxContinued bounds the attempts on one intent that end without a definite answer.
	maxContinued = 4
	// manyTries selects the longest delay.
	manyTries = 30
	// pendingOverdue is when a payment that the bank does not settle becomes a letter.
	pendingOverdue = 14 * 24 * time.Hour
	// refusedDelay is the least delay after Stripe refused the credentials: that is an operator's to mend.
	refusedDelay = 30 * time.Second
	// declinedDelay is the least delay after a decline that may be tried again.
	declinedDelay = 5 * time.Second
	// inFlightDelay is the least delay while Stripe still runs the first request of a key.
	inFlightDelay = 5 * time.Second
)

// doubtSchedule is when Stripe is asked after a stored 500, counted from the answer before: 1, 5, 15, 60 min, then hourly.
var doubtSchedule = []time.Duration{time.Minute, 4 * time.Minute, 10 * time.Minute, 45 * time.Minute, time.Hour}

// RetryableDeclines are the decline codes for which Stripe says that the same card may simply be tried again.
// Source: https://docs.stripe.com/declines/codes
var RetryableDeclines = []string{
	"approve_with_id", "issuer_not_available", "processing_error", "reenter_transaction", "try_again_later",
}

func retryable(declineCode string) bool { return slices.Contains(RetryableDeclines, declineCode) }

// delay is how long the record waits after its r.Tries-th try without a definite answer.
func (r *Record) delay(in Receive, class AnswerClass, to State) time.Duration {
	a := r.Open()
	switch {
	case to == Unknown && a != nil && a.answered():
		return doubtSchedule[min(r.Tries, len(doubtSchedule))-1]
	case to == Pending:
		return jittered(exponential(r.Tries, 10*time.Second, time.Hour), in.Jitter)
	case to == RequiresAction:
		return jittered(exponential(r.Tries, 5*time.Second, in.Policy.MaxDelay), in.Jitter)
	}
	first := in.Policy.FirstDelay
	if r.Tries >= manyTries {
		return jittered(time.Hour, in.Jitter)
	}
	switch class {
	case AnswerRefused:
		first = refusedDelay
	case AnswerInFlight:
		first = inFlightDelay
	case AnswerDeclined:
		first = declinedDelay
	}
	if doubtOf(r, to) {
		// The look that counts is one that begins after the quiet period; asking sooner settles only what is paid.
		return jittered(exponential(r.Tries, 30*time.Second, in.Policy.MaxDelay), in.Jitter)
	}
	return jittered(exponential(r.Tries, first, in.Policy.MaxDelay), in.Jitter)
}

// doubtOf: only a look can settle this record, since its key is too old to be sent again.
func doubtOf(r *Record, to State) bool {
	a := r.Open()
	return to == Unknown && a != nil && r.Updated.Since(a.FirstSent) >= KeyCutoff
}

// exponential is the n-th delay (1 is the first) of a doubling series.
func exponential(n int, first, longest time.Duration) time.Duration {
	b := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(first), backoff.WithMultiplier(2), backoff.WithRandomizationFactor(0),
		backoff.WithMaxInterval(longest), backoff.WithMaxElapsedTime(0),
	)
	d := first
	for range min(n, manyTries) {
		d = b.NextBackOff()
	}
	return min(d, longest)
}

// jittered spreads a delay over 75 % to 125 % of itself. j is between 0 and 1.
func jittered(d time.Duration, j float64) time.Duration {
	return time.Duration(float64(d) * (0.75 + j/2))
}
