package gateway

import (
	"fmt"
	"io"
	"log/slog"
)

// hidden is what a Secret shows of itself.
const hidden = "[secret]"

// Secret holds a credential and shows [secret] to fmt, slog and every encoder that asks it for its text.
// Only New reads the value. The zero Secret is no secret. It is behind a pointer, so that printing a struct
// that holds one in an unexported field gives an address.
type Secret struct{ value *string }

// NewSecret wraps a credential.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{&value}
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.value == nil }

func (s Secret) reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// String gives "[secret]", or "" for none.
func (s Secret) String() string {
	if s.value == nil {
		return ""
	}
	return hidden
}

// Format writes String whatever the verb, %#v and %x included.
func (s Secret) Format(f fmt.State, _ rune) {
	// fmt.State never fails to take bytes.
	_, _ = io.WriteString(f, s.String())
}

// LogValue gives String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText gives String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the credential as it is, so that a configuration can be decoded into a Secret.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
