package gateway

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/payonce/payonce/idempotency"
)

// The types that are read with each answer walk their members by hand: of the hundred or so that a PaymentIntent and
// its charge have, a dozen are wanted, and looking each of the others up by reflection took half of the decoding.
// Names that Stripe would have to escape are not among the wanted ones. null leaves a member as it is.
//
// A wanted member that is there twice makes the answer unreadable; of the others nobody keeps count.

// members calls each for every member of the object that comes next; each must consume the value. name is quoted, as
// it stands. null is an object without members.
func members(d *jsontext.Decoder, each func(name jsontext.Value) error) error {
	switch d.PeekKind() {
	case 'n':
		return d.SkipValue()
	case '{':
	default:
		if _, err := d.ReadToken(); err != nil {
			return err
		}
		return errUnreadable
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadValue()
		if err != nil {
			return err
		}
		if err := each(name); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// text reads a string or null, once.
func text(d *jsontext.Decoder, at *string) error {
	t, err := d.ReadToken()
	switch {
	case err != nil:
		return err
	case *at != "":
		return errUnreadable
	case t.Kind() == '"':
		*at = t.String()
	case t.Kind() != 'n':
		return errUnreadable
	}
	return nil
}

// integer reads a whole number or null, once.
func integer[T int | int64](d *jsontext.Decoder, at *T) error {
	if *at != 0 {
		return errUnreadable
	}
	if d.PeekKind() == 'n' {
		return d.SkipValue()
	}
	return json.UnmarshalDecode(d, at) // knows the forms that a number can have, and its range
}

// UnmarshalJSONFrom reads a PaymentIntent.
func (w *wireIntent) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return members(d, func(name jsontext.Value) error {
		switch string(name) {
		case `"id"`:
			return text(d, &w.ID)
		case `"object"`:
			return text(d, &w.Object)
		case `"amount"`:
			return integer(d, &w.Amount)
		case `"amount_received"`:
			return integer(d, &w.AmountReceived)
		case `"currency"`:
			return text(d, &w.Currency)
		case `"status"`:
			s := string(w.Status)
			err := text(d, &s)
			w.Status = idempotency.IntentStatus(s)
			return err
		case `"created"`:
			return integer(d, &w.Created)
		case `"latest_charge"`:
			return w.LatestCharge.UnmarshalJSONFrom(d)
		case `"next_action"`:
			return members(d, func(name jsontext.Value) error {
				if string(name) == `"type"` {
					return text(d, &w.NextAction)
				}
				return d.SkipValue()
			})
		case `"metadata"`:
			return w.Metadata.UnmarshalJSONFrom(d)
		case `"last_payment_error"`:
			return json.UnmarshalDecode(d, &w.LastError)
		}
		return d.SkipValue()
	})
}

// UnmarshalJSONFrom reads a charge, or its id alone.
func (c *wireCharge) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		return text(d, &c.ID)
	}
	return members(d, func(name jsontext.Value) error {
		switch string(name) {
		case `"id"`:
			return text(d, &c.ID)
		case `"payment_method_details"`:
			return members(d, func(name jsontext.Value) error {
				if string(name) != `"card"` || d.PeekKind() == 'n' {
					return d.SkipValue()
				}
				c.Card = new(wireCard)
				return c.Card.UnmarshalJSONFrom(d)
			})
		}
		return d.SkipValue()
	})
}

// UnmarshalJSONFrom reads the facts that may be kept of a card.
func (c *wireCard) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return members(d, func(name jsontext.Value) error {
		switch string(name) {
		case `"brand"`:
			return text(d, &c.Brand)
		case `"last4"`:
			return text(d, &c.Last4)
		case `"exp_month"`:
			return integer(d, &c.ExpMonth)
		case `"exp_year"`:
			return integer(d, &c.ExpYear)
		}
		return d.SkipValue()
	})
}

// UnmarshalJSONFrom reads our entries of the metadata.
func (m *wireMetadata) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return members(d, func(name jsontext.Value) error {
		switch string(name) {
		case `"` + metaInstallation + `"`:
			return text(d, &m.Installation)
		case `"` + metaTenant + `"`:
			return text(d, &m.Tenant)
		case `"` + metaPayment + `"`:
			return text(d, &m.Payment)
		case `"` + metaReference + `"`:
			return text(d, &m.Reference)
		case `"` + metaOrder + `"`:
			return text(d, &m.Order)
		case `"` + metaFingerprint + `"`:
			return text(d, &m.Fingerprint)
		case `"` + metaAllowRepeat + `"`:
			return text(d, &m.AllowRepeat)
		}
		return d.SkipValue()
	})
}
