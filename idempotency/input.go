package idempotency

import (
	"errors"
	"fmt"
	"time"

	"github.com/payonce/payonce/events"
)

// Input is one thing that can happen to an operation. The types below are all there are.
type Input interface{ input() }

// Submit is an app's payment event.
type Submit struct {
	ID          events.ID
	Tenant      string
	KeyHash     [32]byte
	Fingerprint [32]byte
	Request     events.Payment
	Trace       string
	// Resend asks to send the message again for a record that was never claimed: the engine's accept is not
	// atomic, so the message may be missing (rule 1).
	Resend bool
}

// Cancel is an app's wish to call a payment off, by its key.
type Cancel struct {
	ID      events.ID
	Tenant  string
	KeyHash [32]byte
}

// Receive is a worker that holds a work message of the operation.
type Receive struct {
	Worker string // "boot/worker"
	// Boot, if set, says that no process of another boot can be alive (one writer on this store), so a lease
	// of another boot has ended whatever its clock says.
	Boot    string
	Policy  Policy
	Encoder Encoder
	Jitter  float64 // 0 to 1, drawn by the worker
	// Gate is the window that a restored ledger may have forgotten; while it is set, a first attempt asks
	// Stripe before it sends. Nil in normal work.
	Gate *Window
}

// Answered is the answer to a Call that the same worker ran.
type Answered struct {
	Receive
	Call   Call
	Answer Answer
}

// Held tells that a Commit was refused because another payment holds the reference.
type Held struct {
	Receive
	Holder Record
}

// Wake is the janitor: the record is due.
type Wake struct{}

// Poisoned tells that the operation's message was received too often without an end.
type Poisoned struct{ Receives int }

// Adopt is a PaymentIntent of this installation that Stripe shows and the ledger has no record of: after a
// restore, what was charged since the backup.
type Adopt struct{ Intent Intent }

func (Submit) input()   {}
func (Cancel) input()   {}
func (Receive) input()  {}
func (Answered) input() {}
func (Held) input()     {}
func (Wake) input()     {}
func (Poisoned) input() {}
func (Adopt) input()    {}

// Window is a span of time, inclusive: what a restored ledger may have forgotten, from the backup to the restore.
type Window struct {
	From, To Instant
	// Oldest is when the oldest payment was accepted that the backup has as not final; zero: none. Its intent may be
	// as old, so the sweep begins there; a first attempt asks from its own payment's acceptance on.
	Oldest Instant
}

// SweepFrom is where the sweep of the window begins.
func (w Window) SweepFrom() Instant {
	if w.Oldest != 0 {
		return min(w.From, w.Oldest.Add(-FindMargin))
	}
	return w.From
}

// Policy is how a tenant's payments are charged. The zero value is filled by DefaultPolicy.
type Policy struct {
	// OneStep creates and confirms in one Stripe call. It saves a call and rests on bounded time: a worker
	// that sleeps between its last write and its first byte can break it. Default false: two steps.
	OneStep bool
	// MaxAttempts bounds how often a payment is tried after declines that Stripe says may be tried again. Default 3.
	MaxAttempts int
	// Lease is how long a claim lasts; longer than a Stripe call may take. Default 90 s.
	Lease time.Duration
	// FirstDelay and MaxDelay bound the exponential delay between tries. Defaults 500 ms and 15 min.
	FirstDelay, MaxDelay time.Duration
	// ActionTimeout closes a payment whose payer did not act. Default 24 h.
	ActionTimeout time.Duration
}

// DefaultPolicy returns the defaults named at Policy.
func DefaultPolicy() Policy {
	return Policy{
		MaxAttempts: 3, Lease: 90 * time.Second,
		FirstDelay: 500 * time.Millisecond, MaxDelay: 15 * time.Minute, ActionTimeout: 24 * time.Hour,
	}
}

// The protocol's own times (rules 4 and 7).
const (
	// KeyCutoff is how long after its first send a key may be sent again. Stripe may forget a key after 24 h
	// (https://docs.stripe.com/api/idempotent_requests).
	KeyCutoff = 20 * time.Hour
	// Quiet is how long after the last send a look must begin for "not found" or "still unpaid" to count.
	Quiet = 15 * time.Minute
	// VerifyAfter is when a payment in doubt becomes a letter.
	VerifyAfter = 24 * time.Hour
	// FindMargin widens the window of a Find on both sides.
	FindMargin = 5 * time.Minute
)

// Errors of Next. They are verdicts, not failures: nothing is to be committed.
var (
	// ErrOrphan: a message names an operation that has no record. A message never creates one.
	ErrOrphan = errors.New("no record of the operation that the message names")
	// ErrKeyReused: the key was used with another request.
	ErrKeyReused = errors.New("the idempotency key was used with another request")
	// ErrNotOwner: the answer belongs to a claim that has ended; whoever holds the work now decides.
	ErrNotOwner = errors.New("the claim that this answer belongs to has ended")
)

// NotYetError tells a worker to put the message back until a moment: another worker holds the lease, or the
// next try is later.
type NotYetError struct{ Until Instant }

// Error says until when.
func (e *NotYetError) Error() string {
	return fmt.Sprintf("not before %s", e.Until.Time().Format(time.RFC3339))
}

// TooLateError refuses a cancel of a payment that is final.
type TooLateError struct{ State State }

// Error names the state.
func (e *TooLateError) Error() string {
	return "too late to cancel: the payment is " + e.State.String()
}
