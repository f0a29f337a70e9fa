package client

import (
	"errors"
	"fmt"
	"strings"
)

// ErrUndecided matches the error of a Submit or Cancel that was never answered definitely: it may have taken effect, or
// may still. Repeat it with the same key.
var ErrUndecided = errors.New("whether the call took effect is not known: repeat it with the same key")

// ErrKey means that an idempotency key is not 1 to 255 visible ASCII characters. Nothing was sent.
var ErrKey = errors.New("an idempotency key is 1 to 255 visible ASCII characters")

// undecidedError is ErrUndecided with its last cause.
type undecidedError struct{ cause error }

// Error gives the advice, then the cause.
func (e *undecidedError) Error() string { return fmt.Sprintf("%v: %v", ErrUndecided, e.cause) }

// Unwrap gives both.
func (e *undecidedError) Unwrap() []error { return []error{ErrUndecided, e.cause} }

// Error says what happened and what to do.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s: %s", p.Status, p.Title, p.Detail)
	for _, e := range p.Errors {
		fmt.Fprintf(&b, "; %s%s%s: %s", e.Pointer, e.Parameter, e.Header, e.Detail)
	}
	return b.String()
}

// HasCode reports whether err is, or wraps, a *Problem with this code.
func HasCode(err error, code ProblemCode) bool {
	var p *Problem
	return errors.As(err, &p) && p.Code == code
}
