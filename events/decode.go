package events

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxFieldErrors bounds a refusal: a body of nothing but unknown members would
// otherwise be answered at many times its length.
const maxFieldErrors = 50

// DecodePayment reads and validates the body of a payment request.
//
// The body is one JSON object in UTF-8 (RFC 7493: no duplicate members, no
// unpaired surrogates). Members are matched exactly; unknown members, null,
// wrong types and numbers written with a fraction or exponent are refused.
// capture_method may be left out or "automatic". Cost is linear in len(body),
// whose bound is the caller's business.
//
// Errors: *InvalidError, with every bad field unless the JSON itself is
// broken. The card-number guard reads the bytes first.
func DecodePayment(body []byte) (Payment, error) {
	if CardNumberInText(body) {
		return Payment{}, &InvalidError{CodeCardNumber, []FieldError{{
			Pointer: cardPointer(body), Code: FieldCardNumber,
			Message: "this looks like a card number: " + cardRemedy,
		}}}
	}
	d := decoder{dec: jsontext.NewDecoder(bytes.NewBuffer(body))}
	if err := d.body(); err != nil {
		return Payment{}, malformed(err)
	}
	d.relations()
	if err := d.verdict(); err != nil {
		return Payment{}, err
	}
	return d.p, nil
}

// decoder reads one body. Its methods return an error only where the JSON is
// broken; what is wrong with a member goes to fields.
type decoder struct {
	dec    *jsontext.Decoder
	p      Payment
	fields []FieldError
	seen   seen
	// cardData and manual pick the refusal's code.
	cardData, manual bool
}

// seen marks the required members that were there, good or bad.
type seen struct{ amount, currency, paymentMethod bool }

func (d *decoder) bad(pointer, code, message string) {
	if len(d.fields) < maxFieldErrors {
		d.fields = append(d.fields, FieldError{pointer, code, message})
	}
}

var errNotObject = errors.New("not an object")

func (d *decoder) body() error {
	tok, err := d.dec.ReadToken()
	if err != nil {
		return err
	}
	if tok.Kind() != '{' {
		return errNotObject
	}
	for d.dec.PeekKind() != '}' {
		tok, err := d.dec.ReadToken()
		if err != nil {
			return err
		}
		if err := d.member(tok.String()); err != nil {
			return err
		}
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	if _, err := d.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return nil
}

var errTrailing = errors.New("more than one value")

// member reads the value of one member of the body.
func (d *decoder) member(name string) error {
	p := &d.p
	switch name {
	case "amount":
		d.seen.amount = true
		return d.amount()
	case "currency":
		d.seen.currency = true
		return d.text("", "currency", func(s string) (code, message string) {
			var err error
			if p.Amount.Currency, err = ParseCurrency(s); err != nil {
				return FieldSyntax, "give the three-letter ISO 4217 code of an active currency, such as EUR"
			}
			return "", ""
		})
	case "payment_method":
		d.seen.paymentMethod = true
		return d.keep("payment_method", &p.PaymentMethod, checkStripeID("pm_"))
	case "customer":
		return d.keep("customer", &p.Customer, checkStripeID("cus_"))
	case "reference":
		return d.keep("reference", &p.Reference, checkReference)
	case "description":
		return d.keep("description", &p.Description, checkDescription)
	case "metadata":
		return d.metadata()
	case "return_url":
		return d.keep("return_url", &p.ReturnURL, checkReturnURL)
	case "off_session":
		return d.flag("off_session", &p.OffSession)
	case "setup_future_usage":
		return d.keep("setup_future_usage", &p.SetupFutureUsage, checkSetupFutureUsage)
	case "statement_descriptor_suffix":
		return d.keep("statement_descriptor_suffix", &p.StatementDescriptorSuffix, checkStatementSuffix)
	case "allow_repeat":
		return d.flag("allow_repeat", &p.AllowRepeat)
	case "capture_method":
		return d.text("", "capture_method", d.captureMethod)
	default:
		return d.unknown(name)
	}
}

// amount takes an integer as JSON writes it. 1e3 and 1.0 are integers to some
// and fractions to others, so neither is taken.
func (d *decoder) amount() error {
	const pointer = "/amount"
	if d.dec.PeekKind() != '0' {
		return d.wrongType(pointer, "give the amount as a number in the currency's minor unit, such as 1000 for 10.00 EUR")
	}
	tok, err := d.dec.ReadToken()
	if err != nil {
		return err
	}
	digits := tok.String()
	if strings.ContainsAny(digits, ".eE") {
		d.bad(pointer, FieldSyntax, "write the amount as a whole number in minor units, without fraction or exponent")
		return nil
	}
	n, ok := parseAmount(digits)
	if !ok {
		d.bad(pointer, FieldRange, "give an amount from 1 to 999999999999 in minor units")
		return nil
	}
	d.p.Amount.Minor = n
	return nil
}

// parseAmount reads a JSON integer between 1 and MaxAmount.
func parseAmount(s string) (n int64, ok bool) {
	if len(s) > len("999999999999") {
		return 0, false
	}
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, n >= 1 && n <= MaxAmount
}

// text reads the string of the member name of parent and lets check judge it.
func (d *decoder) text(parent, name string, check func(string) (code, message string)) error {
	if d.dec.PeekKind() != '"' {
		return d.wrongType(childPointer(parent, name), "give a string")
	}
	tok, err := d.dec.ReadToken()
	if err != nil {
		return err
	}
	if code, message := check(tok.String()); code != "" {
		d.bad(childPointer(parent, name), code, message)
	}
	return nil
}

// keep is text for a member of the body that stores what passes.
func (d *decoder) keep(name string, into *string, check func(string) (code, message string)) error {
	return d.text("", name, func(s string) (code, message string) {
		if code, message = check(s); code == "" {
			*into = s
		}
		return code, message
	})
}

func (d *decoder) flag(name string, into *bool) error {
	switch d.dec.PeekKind() {
	case 't', 'f':
		tok, err := d.dec.ReadToken()
		if err != nil {
			return err
		}
		*into = tok.Bool()
		return nil
	default:
		return d.wrongType(childPointer("", name), "give true or false")
	}
}

func (d *decoder) captureMethod(s string) (code, message string) {
	switch s {
	case "automatic":
		return "", ""
	case "manual":
		d.manual = true
		return FieldUnsupported, "manual capture is not on offer: leave capture_method out, or send automatic"
	default:
		return FieldUnsupported, "send automatic, or leave capture_method out"
	}
}

// metadata reads an object of strings. Messages name no entry; the pointer does.
func (d *decoder) metadata() error {
	const pointer = "/metadata"
	if d.dec.PeekKind() != '{' {
		return d.wrongType(pointer, "give an object whose values are strings")
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	n := 0
	for ; d.dec.PeekKind() != '}'; n++ {
		tok, err := d.dec.ReadToken()
		if err != nil {
			return err
		}
		if err := d.entry(tok.String()); err != nil {
			return err
		}
	}
	if n > MaxMetadata {
		d.bad(pointer, FieldTooMany, "give at most 40 entries")
	}
	_, err := d.dec.ReadToken()
	return err
}

func (d *decoder) entry(name string) error {
	const parent = "/metadata"
	if code, message := checkMetadataName(name); code != "" {
		d.bad(childPointer(parent, name), code, message)
	}
	if namesCardData(name) {
		d.refuseCardData(childPointer(parent, name))
	}
	return d.text(parent, name, func(s string) (code, message string) {
		if code, message = checkMetadataValue(s); code != "" {
			return code, message
		}
		if len(d.p.Metadata) <= MaxMetadata {
			if d.p.Metadata == nil {
				d.p.Metadata = make(map[string]string, 8)
			}
			d.p.Metadata[name] = s
		}
		return "", ""
	})
}
