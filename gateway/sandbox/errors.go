package sandbox

import (
	"fmt"
	"net/http"
	"strings"
)

// apiError is Stripe's error object (https://docs.stripe.com/api/errors). Shape: the fields are written into the body as
// they stand. Stored says that the request had begun to execute, so that the answer is kept under its idempotency key.
type apiError struct {
	Status      int    `cbor:"1,keyasint"`
	Type        string `cbor:"2,keyasint"`
	Code        string `cbor:"3,keyasint,omitempty"`
	DeclineCode string `cbor:"4,keyasint,omitempty"`
	Message     string `cbor:"5,keyasint"`
	Param       string `cbor:"6,keyasint,omitempty"`
	Charge      string `cbor:"7,keyasint,omitempty"`
	Method      string `cbor:"8,keyasint,omitempty"`  // the payment method that was declined
	WithIntent  bool   `cbor:"9,keyasint,omitempty"`  // error.payment_intent is part of the body
	Stored      bool   `cbor:"10,keyasint,omitempty"` // execution had begun
}

const (
	typeInvalidRequest = "invalid_request_error"
	typeCard           = "card_error"
	typeIdempotency    = "idempotency_error"
	typeAPI            = "api_error"
)

func invalid(code, param, format string, args ...any) *apiError {
	return &apiError{
		Status: http.StatusBadRequest, Type: typeInvalidRequest, Code: code, Param: param,
		Message: fmt.Sprintf(format, args...),
	}
}

func missing(param string) *apiError {
	return invalid("parameter_missing", param, "Missing required param: %s.", param)
}

func noSuchIntent(id, param string, status int) *apiError {
	e := invalid("resource_missing", param, "No such payment_intent: '%s'", shown(id))
	e.Status = status
	return e
}

// unexpectedState refuses a step that the intent's state does not allow. Stripe has begun to execute by then, so the
// refusal is stored under the key.
func unexpectedState(message string) *apiError {
	e := invalid("payment_intent_unexpected_state", "", "%s", message)
	e.WithIntent, e.Stored = true, true
	return e
}

func serverError() *apiError {
	return &apiError{
		Status: http.StatusInternalServerError, Type: typeAPI, Stored: true,
		Message: "An unknown error occurred (injected by the payonce sandbox).",
	}
}

// shown gives s if it may be repeated in an answer: short, printable, and without a digit run in which a card number
// could hide.
func shown(s string) string {
	if len(s) > 80 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "(not shown)"
	}
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c != ' ' && c != '-':
			digits = 0
		}
		if digits >= 12 {
			return "(not shown)"
		}
	}
	return s
}
