package events

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
)

// Kind says what an operation does. It is part of the fingerprint, as one key
// space serves all kinds.
type Kind string

// KindCharge is a payment.
const KindCharge Kind = "charge"

// Canonical gives the request's one byte form: a JSON object without
// whitespace, members and metadata names sorted by their bytes, the currency
// in upper case, flags and the capture method spelled out, other absent
// members absent. Two bodies mean the same payment if and only if their
// canonical forms are equal, and DecodePayment reads the form back.
//
// The form is stable for ever, since fingerprints outlive releases. A later
// member may be added only so that its default leaves the bytes as they are.
func (p Payment) Canonical() []byte {
	b := make([]byte, 0, 256)
	b = append(b, `{"allow_repeat":`...)
	b = strconv.AppendBool(b, p.AllowRepeat)
	b = append(b, `,"amount":`...)
	b = strconv.AppendInt(b, p.Amount.Minor, 10)
	b = append(b, `,"capture_method":"automatic","currency":`...)
	b = appendString(b, string(p.Amount.Currency))
	b = appendMember(b, "customer", p.Customer)
	b = appendMember(b, "description", p.Description)
	if len(p.Metadata) > 0 {
		b = append(b, `,"metadata":{`...)
		for i, name := range slices.Sorted(maps.Keys(p.Metadata)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, name)
			b = append(b, ':')
			b = appendString(b, p.Metadata[name])
		}
		b = append(b, '}')
	}
	b = append(b, `,"off_session":`...)
	b = strconv.AppendBool(b, p.OffSession)
	b = append(b, `,"payment_method":`...)
	b = appendString(b, p.PaymentMethod)
	b = appendMember(b, "reference", p.Reference)
	b = appendMember(b, "return_url", p.ReturnURL)
	b = appendMember(b, "setup_future_usage", p.SetupFutureUsage)
	b = appendMember(b, "statement_descriptor_suffix", p.StatementDescriptorSuffix)
	return append(b, '}')
}

// MarshalJSON gives the canonical form, which is also a valid request body.
func (p Payment) MarshalJSON() ([]byte, error) { return p.Canonical(), nil }

// UnmarshalJSON is DecodePayment. Errors: *InvalidError.
func (p *Payment) UnmarshalJSON(body []byte) error {
	got, err := DecodePayment(body)
	if err != nil {
		return err
	}
	*p = got
	return nil
}

func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return appendString(b, value)
}

// appendString quotes s as JSON with the fewest escapes. It is written out
// here because no library promises to quote alike for ever.
func appendString(b []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// Fingerprint is the HMAC-SHA-256 of kind and canonical request under the
// installation's secret. Equal fingerprints mean the same request; without the
// secret nothing can be guessed from one. Compare in constant time where the
// answer reaches someone who may choose the request.
// Source: https://www.rfc-editor.org/rfc/rfc2104
func Fingerprint(secret []byte, kind Kind, canonical []byte) [32]byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write(lengthPrefixed(string(kind)))
	mac.Write(canonical)
	return [32]byte(mac.Sum(nil))
}

// ReferenceToken stands for a tenant's reference where the reference itself
// should not be indexed or sent: 32 hexadecimal digits, the first half of a
// SHA-256 over both parts, each behind its length. It is "" for no reference.
func ReferenceToken(tenant, reference string) string {
	if reference == "" {
		return ""
	}
	sum := sha256.Sum256(append(lengthPrefixed(tenant), lengthPrefixed(reference)...))
	return hex.EncodeToString(sum[:16])
}

// lengthPrefixed keeps ("ab", "c") apart from ("a", "bc").
func lengthPrefixed(s string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...)
}
