package api

import (
	"context"
	"errors"
	"time"

	"github.com/payonce/payonce/accept"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

// problemOf turns any error of a handler into the answer it gets.
func problemOf(err error) *problem {
	var (
		p       *problem
		invalid *events.InvalidError
		key     *events.KeyError
		held    *accept.HeldError
		late    *accept.TooLateError
		backlog *accept.BacklogError
		unsure  *accept.UndecidedError
	)
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &invalid):
		return invalidBody(invalid)
	case errors.Is(err, events.ErrKeyMissing):
		return &problem{code: codeKeyMissing}
	case errors.Is(err, events.ErrKeyTwice):
		return &problem{code: codeKeyTwice}
	case errors.As(err, &key):
		c := codeKeyInvalid
		if key.Code == events.KeyCardNumber {
			c = codeCardNumber
		}
		return &problem{code: c, errors: []place{{header: "Idempotency-Key", code: key.Code, detail: key.Message}}}
	case errors.Is(err, accept.ErrKeyReused):
		return &problem{code: codeKeyReused}
	case errors.As(err, &held):
		return &problem{code: codeReferenceHeld, detail: heldAdvice(held.Holder.State), holder: &held.Holder}
	case errors.As(err, &late):
		return &problem{code: codeTooLateToCancel, detail: lateAdvice(late.Record.State), payment: &late.Record}
	case errors.As(err, &backlog):
		return &problem{code: codeBacklogFull, retryAfter: backlog.RetryAfter}
	case errors.As(err, &unsure):
		return &problem{code: codeUndecided, retryAfter: time.Second, cause: err}
	case errors.Is(err, idempotency.ErrNotFound):
		return &problem{code: codeNotFound}
	case errors.Is(err, read.ErrCursor):
		return badParameter("cursor", events.FieldSyntax, "give the next_cursor of the page before, with the same filters")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &problem{code: codeUnavailable, cause: err}
	default:
		return &problem{code: codeInternal, cause: err}
	}
}

func invalidBody(e *events.InvalidError) *problem {
	c := code(e.Code)
	if _, known := meanings[c]; !known {
		c = codeInvalidRequest
	}
	p := &problem{code: c, errors: make([]place, len(e.Fields))}
	for i, f := range e.Fields {
		p.errors[i] = place{pointer: f.Pointer, code: f.Code, detail: f.Message}
	}
	return p
}

func badParameter(name, code, detail string) *problem {
	return &problem{code: codeInvalidParameter, errors: []place{{parameter: name, code: code, detail: detail}}}
}

// earlier is the warning of rule 2 that belongs to every 409 of a submit.
const earlier = " This says nothing about an earlier call of this key that was never answered: repeat the key, or cancel it."

// heldAdvice says what to do about a held reference.
func heldAdvice(s idempotency.State) string {
	switch s {
	case idempotency.Succeeded:
		return "The purchase is paid by the payment named in holder: do not charge it again. " +
			"For another purchase use another reference; allow_repeat charges this one again on purpose." + earlier
	case idempotency.Unknown:
		return "Whether the payment named in holder was charged is being found out: wait for its outcome." + earlier
	case idempotency.RequiresAction:
		return "The payer has to act on the payment named in holder: let them, or cancel it with its key and then try again." + earlier
	case idempotency.Pending:
		return "Stripe has taken the payment named in holder and settles it later: wait for its outcome." + earlier
	default:
		return "The payment named in holder is under way: wait for its outcome, or cancel it with its key and then try again." + earlier
	}
}

// lateAdvice says what to do about a payment that cannot be canceled.
func lateAdvice(s idempotency.State) string {
	switch s {
	case idempotency.Succeeded:
		return "The payment has been charged: refund it if that was not wanted."
	case idempotency.Failed, idempotency.Superseded:
		return "The payment was not charged and never will be: nothing is left to cancel."
	default:
		return meanings[codeTooLateToCancel].detail
	}
}
