package accept

import (
	"errors"
	"fmt"
	"time"

	"github.com/payonce/payonce/idempotency"
)

// ErrKeyReused means that the key was used before, with another request. Nothing was stored.
var ErrKeyReused = idempotency.ErrKeyReused

var errForgotten = errors.New("restored from a backup: whether the payment of this key was charged since is being asked")

var errContended = errors.New("the record changed with every try")

// HeldError means that another payment of the tenant holds the reference (rule 9). Nothing of this call was stored, and nothing
// of it can be charged.
type HeldError struct {
	Holder idempotency.Record
}

// Error names the holder.
func (e *HeldError) Error() string {
	return fmt.Sprintf("the reference is held by %s, which is %s", e.Holder.ID, e.Holder.State)
}

// Is matches idempotency.ErrHeld.
func (e *HeldError) Is(target error) bool { return target == idempotency.ErrHeld }

// TooLateError means that the payment is final and cannot be canceled.
type TooLateError struct {
	Record idempotency.Record
}

// Error names the payment and its state.
func (e *TooLateError) Error() string {
	return fmt.Sprintf("too late to cancel: %s is %s", e.Record.ID, e.Record.State)
}

// BacklogError means that too much work is waiting, so that a new payment was not taken. Nothing was stored.
type BacklogError struct {
	RetryAfter time.Duration
}

// Error says when to come again.
func (e *BacklogError) Error() string {
	return fmt.Sprintf("too many payments are waiting; try again in %s", e.RetryAfter)
}

// UndecidedError means that nobody knows whether the call took effect. Repeat it with the same key: that can never do harm.
type UndecidedError struct {
	Cause error
}

// Error names the cause, which is for operators.
func (e *UndecidedError) Error() string { return fmt.Sprintf("undecided: %v", e.Cause) }

// Unwrap gives the cause.
func (e *UndecidedError) Unwrap() error { return e.Cause }
