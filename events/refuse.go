package events

import (
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// members are the names that member takes.
var members = []string{
	"allow_repeat", "amount", "capture_method", "currency", "customer", "description", "metadata", "off_session",
	"payment_method", "reference", "return_url", "setup_future_usage", "statement_descriptor_suffix",
}

// unknown refuses a member and looks for card data in and under it.
func (d *decoder) unknown(name string) error {
	pointer := childPointer("", name)
	if namesCardData(name) {
		d.refuseCardData(pointer)
	} else {
		message := "there is no such member: remove it"
		for _, known := range members {
			if strings.EqualFold(known, name) {
				message = "write the member in lower case: " + known
			}
		}
		d.bad(pointer, FieldUnknown, message)
	}
	return d.skip()
}

// wrongType refuses the value to come, null included, and reads past it.
func (d *decoder) wrongType(pointer, message string) error {
	if d.dec.PeekKind() == 'n' {
		message += ", not null; leave the member out if there is none"
	}
	d.bad(pointer, FieldType, message)
	return d.skip()
}

// skip reads past one value and looks at each name in it.
func (d *decoder) skip() error {
	depth := d.dec.StackDepth()
	for {
		tok, err := d.dec.ReadToken()
		if err != nil {
			return err
		}
		inside := d.dec.StackDepth()
		if tok.Kind() == '"' && inside > depth {
			// In an object every other string is a name: it has been read when
			// the count of names and values is odd.
			if kind, n := d.dec.StackIndex(inside); kind == '{' && n%2 == 1 {
				// The pointer is made only for a hit: its length is the depth.
				if namesCardData(tok.String()) {
					d.refuseCardData(safePointer(string(d.dec.StackPointer())))
				}
			}
		}
		if inside <= depth {
			return nil
		}
	}
}

func (d *decoder) refuseCardData(pointer string) {
	d.cardData = true
	d.bad(pointer, FieldCardData, "this member is named like card data, which never goes through payonce: "+
		"send a payment_method made by Stripe instead, or rename the member if it holds something else")
}

// relations judges what only several members together show.
func (d *decoder) relations() {
	if d.p.OffSession && d.p.SetupFutureUsage != "" {
		// Stripe refuses the two together: a card is set up while its owner is there.
		// Source: https://docs.stripe.com/api/payment_intents/confirm
		d.bad("/setup_future_usage", FieldConflict, "leave it out when off_session is true: Stripe cannot set up a card without its owner")
	}
	if !d.seen.amount {
		d.bad("/amount", FieldMissing, "amount is required: a whole number in minor units")
	}
	if !d.seen.currency {
		d.bad("/currency", FieldMissing, "currency is required: an ISO 4217 code such as EUR")
	}
	if !d.seen.paymentMethod {
		d.bad("/payment_method", FieldMissing, "payment_method is required: a Stripe payment method, pm_...")
	}
}

// verdict picks the code that helps most.
func (d *decoder) verdict() error {
	switch {
	case len(d.fields) == 0:
		return nil
	case d.cardData:
		return &InvalidError{CodeCardDataMember, d.fields}
	case d.manual && len(d.fields) == 1:
		return &InvalidError{CodeCaptureMethodUnsupported, d.fields}
	default:
		return &InvalidError{CodeInvalidRequest, d.fields}
	}
}

// malformed turns the JSON reader's error into ours. Its text is not passed
// on, as it may quote the body.
func malformed(err error) error {
	f := FieldError{Code: FieldSyntax, Message: "send one JSON object in UTF-8"}
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, errNotObject):
		f.Code, f.Message = FieldType, "send a JSON object"
	case errors.Is(err, errTrailing):
		f.Message = "send nothing behind the JSON object"
	case errors.Is(err, io.ErrUnexpectedEOF):
		f.Message = "the body ends before the JSON does"
	case errors.As(err, &syntax):
		f.Pointer = safePointer(string(syntax.JSONPointer))
		if errors.Is(syntax.Err, jsontext.ErrDuplicateName) {
			f.Code, f.Message = FieldDuplicate, "the member is there twice: send it once"
		} else {
			f.Message = "this is not valid JSON in UTF-8"
		}
	}
	return &InvalidError{CodeMalformedJSON, []FieldError{f}}
}
