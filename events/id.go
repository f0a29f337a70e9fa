package events

import (
	"encoding/hex"
	"errors"

	"github.com/google/uuid"
)

// ErrID means that a text is not a payment id.
var ErrID = errors.New("a payment id is pay_ followed by 32 lower-case hexadecimal digits")

const idPrefix = "pay_"

// ID names an operation: 128 bits, printed as pay_ and 32 hexadecimal digits.
// The zero ID names nothing.
type ID [16]byte

// PaymentID derives the id of the payment that a tenant submits under key.
// It is a version 5 UUID: its namespace is the version 5 UUID of tenant in
// installation, its name is the key. Two installations on one Stripe account
// therefore never share an id, and a repeat always meets its first try.
// Source: https://www.rfc-editor.org/rfc/rfc9562#section-5.5
func PaymentID(installation uuid.UUID, tenant string, key Key) ID {
	space := uuid.NewSHA1(installation, []byte(tenant))
	return ID(uuid.NewSHA1(space, []byte(key.value)))
}

// ParseID reads what String writes. It is strict, so that one payment has one
// address. Errors: ErrID.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != len(idPrefix)+2*len(id) || s[:len(idPrefix)] != idPrefix {
		return ID{}, ErrID
	}
	for _, c := range []byte(s[len(idPrefix):]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return ID{}, ErrID
		}
	}
	if _, err := hex.Decode(id[:], []byte(s[len(idPrefix):])); err != nil {
		return ID{}, ErrID
	}
	return id, nil
}

// String gives pay_ and 32 lower-case hexadecimal digits.
func (id ID) String() string {
	var b [len(idPrefix) + 2*len(id)]byte
	copy(b[:], idPrefix)
	hex.Encode(b[len(idPrefix):], id[:])
	return string(b[:])
}

// IsZero reports whether id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText gives the same text as String.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText writes. Errors: ErrID.
func (id *ID) UnmarshalText(text []byte) error {
	got, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = got
	return nil
}
