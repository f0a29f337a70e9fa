package events

import "strings"

// The values of InvalidError.Code. They are part of the HTTP contract and
// never change their meaning.
const (
	// CodeMalformedJSON: the body is not one JSON object in valid UTF-8, or it
	// names a member twice.
	CodeMalformedJSON = "malformed_json"
	// CodeInvalidRequest: the body is JSON, but some members are missing,
	// unknown, of a wrong type or out of range.
	CodeInvalidRequest = "invalid_request"
	// CodeCardNumber: something in the request looks like a card number.
	CodeCardNumber = "card_number"
	// CodeCardDataMember: a member is named like card data, whatever its value.
	CodeCardDataMember = "card_data_member"
	// CodeCaptureMethodUnsupported: capture_method is "manual".
	CodeCaptureMethodUnsupported = "capture_method_unsupported"
)

// The values of FieldError.Code.
const (
	FieldMissing     = "missing"     // a required member is absent
	FieldUnknown     = "unknown"     // no such member
	FieldDuplicate   = "duplicate"   // the member occurs twice
	FieldType        = "type"        // another JSON type is needed, null included
	FieldSyntax      = "syntax"      // not JSON, not UTF-8, or not of the member's grammar
	FieldRange       = "range"       // a number is too small or too large
	FieldLength      = "length"      // empty or too long
	FieldCharacters  = "characters"  // holds a character that is not allowed there
	FieldReserved    = "reserved"    // the name is kept for payonce
	FieldUnsupported = "unsupported" // understood, but not on offer
	FieldConflict    = "conflict"    // contradicts another member
	FieldCardNumber  = "card_number" // looks like a card number
	FieldCardData    = "card_data"   // is named like card data
	FieldTooMany     = "too_many"    // more entries than allowed
)

// FieldError says what is wrong with one member.
// Pointer is a JSON pointer (RFC 6901) into the request body; "" is the whole
// body. Message says what to do in a sentence and never repeats the value.
type FieldError struct {
	Pointer string `json:"pointer"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// InvalidError is the refusal of a request body. Code is one of the Code
// constants; Fields holds every bad field in the order of the body, then the
// missing ones. It is final for these bytes: sending them again cannot help.
type InvalidError struct {
	Code   string
	Fields []FieldError
}

// Error names the fields and what to do about each of them.
func (e *InvalidError) Error() string {
	var b strings.Builder
	b.WriteString(e.Code)
	for i, f := range e.Fields {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		if f.Pointer != "" {
			b.WriteString(f.Pointer)
			b.WriteString(": ")
		}
		b.WriteString(f.Message)
	}
	return b.String()
}
