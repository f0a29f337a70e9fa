package config

import "log/slog"

// hidden is what every rendering of a Secret shows.
const hidden = "[hidden]"

// Secret is a text that hides itself from fmt, slog, JSON and YAML. Only Reveal gives it away.
type Secret struct{ text string }

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{text: text} }

// Reveal returns the text, for the one place that has to use it.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether there is nothing to hide.
func (s Secret) IsZero() bool { return s.text == "" }

// String shows whether there is a secret, and nothing of it.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return hidden
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue is String, for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String, for encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
