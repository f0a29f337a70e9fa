package events

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// MaxKey is the longest idempotency key in bytes, after unquoting.
const MaxKey = 255

var (
	// ErrKeyMissing means that a request carries no idempotency key.
	ErrKeyMissing = errors.New("the Idempotency-Key header is missing: choose a key, store it, then send it with every try")
	// ErrKeyTwice means that a request carries more than one idempotency key.
	ErrKeyTwice = errors.New("the Idempotency-Key header is there more than once: send exactly one")
)

// The values of KeyError.Code.
const (
	KeyEmpty      = "key_empty"
	KeyTooLong    = "key_too_long"
	KeyCharacters = "key_characters"
	KeyQuoting    = "key_quoting"
	KeyCardNumber = CodeCardNumber
)

// KeyError says why a header value is no idempotency key. Neither field holds
// any part of the value.
type KeyError struct {
	Code    string // one of the Key constants
	Message string // what to do, in a sentence
}

func (e *KeyError) Error() string { return "Idempotency-Key: " + e.Message }

// Key is an idempotency key: 1 to 255 visible ASCII characters that the caller
// chose. It may hold an e-mail address, so it prints as [key] by every verb and
// in every log; only Hash is ever stored. The zero Key is no key. Keys are
// comparable.
type Key struct{ value string }

// ParseKey reads the values of the Idempotency-Key header of one request.
// A quoted value is an RFC 9651 string, whose only escapes are \" and \\, and
// equals the bare value: "k" and k are the same key. A value that does not
// begin with a quote is bare, quotes further on included.
// Errors: ErrKeyMissing, ErrKeyTwice, *KeyError.
// Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
func ParseKey(values []string) (Key, error) {
	switch len(values) {
	case 0:
		return Key{}, ErrKeyMissing
	case 1:
	default:
		return Key{}, ErrKeyTwice
	}
	s := strings.Trim(values[0], " \t")
	if len(s) > 2*MaxKey+2 { // every character escaped, and two quotes
		return Key{}, keyTooLong()
	}
	if strings.HasPrefix(s, `"`) {
		var ok bool
		if s, ok = unquote(s); !ok {
			return Key{}, &KeyError{KeyQuoting, `close the quote and escape only \" and \\, or send the key without quotes`}
		}
	}
	switch {
	case s == "":
		return Key{}, &KeyError{KeyEmpty, "the key is empty: send 1 to 255 visible ASCII characters"}
	case len(s) > MaxKey:
		return Key{}, keyTooLong()
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return Key{}, &KeyError{KeyCharacters, "use visible ASCII characters only, no spaces"}
		}
	}
	if CardNumberInIdentifier(s) {
		return Key{}, &KeyError{KeyCardNumber, "the key looks like a card number: " + cardRemedy}
	}
	return Key{s}, nil
}

func keyTooLong() error {
	return &KeyError{KeyTooLong, "the key is longer than 255 characters: send a shorter one, a UUID for example"}
}

// unquote reads an RFC 9651 string. Character ranges are the caller's business.
func unquote(s string) (string, bool) {
	if len(s) < 2 || s[len(s)-1] != '"' {
		return "", false
	}
	s = s[1 : len(s)-1]
	if !strings.ContainsAny(s, `"\`) {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return "", false
		case '\\':
			i++
			if i == len(s) || (s[i] != '"' && s[i] != '\\') {
				return "", false
			}
		}
		b = append(b, s[i])
	}
	return string(b), true
}

// Hash is the SHA-256 of the key: the only form in which a key is kept.
func (k Key) Hash() [32]byte { return sha256.Sum256([]byte(k.value)) }

// Reveal gives the key itself. For deriving ids only: never log or store it.
func (k Key) Reveal() string { return k.value }

// IsZero reports whether k is no key.
func (k Key) IsZero() bool { return k.value == "" }

const keyShown = "[key]"

// String hides the key.
func (k Key) String() string { return keyShown }

// GoString hides the key.
func (k Key) GoString() string { return keyShown }

// LogValue hides the key.
func (k Key) LogValue() slog.Value { return slog.StringValue(keyShown) }

// Format hides the key from every verb, %x and %#v included.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, keyShown) }

// MarshalText hides the key from encoders.
func (k Key) MarshalText() ([]byte, error) { return []byte(keyShown), nil }
