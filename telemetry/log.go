package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/payonce/payonce/events"
)

// maxText bounds one text on a log line, in bytes: an error may carry a whole answer.
const maxText = 2048

// secrets matches what opens doors: Stripe keys, webhook secrets, client secrets and payonce's own API keys.
var secrets = regexp.MustCompile(`\b(?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z_]+|\bwhsec_[0-9A-Za-z+/=]+|_secret_[0-9A-Za-z]+|\bpo_[0-9A-Za-z]{16,}|(?i:\bbearer +)[^\s"',;]+`)

// Clean frees a text of card numbers and keys and bounds its length. It is for every text that others may have written.
func Clean(text string) string {
	if len(text) > maxText {
		cut := maxText
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	text = events.Redact(text)
	if !suspicious(text) {
		return text
	}
	return secrets.ReplaceAllString(text, "[redacted]")
}

// suspicious reports whether secrets could match: each of its branches contains one of these. It is here since the
// pattern costs more than the rest of a log line.
func suspicious(text string) bool {
	for _, part := range [...]string{"_live_", "_test_", "whsec_", "_secret_", "po_"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	for i := 0; i+len(bearer) <= len(text); i++ {
		if text[i]|0x20 == bearer[0] && strings.EqualFold(text[i:i+len(bearer)], bearer) {
			return true
		}
	}
	return false
}

const bearer = "bearer "

// NewLogger returns a logger of JSON lines. Attributes whose names are not in the list of known ones are dropped and
// counted in dropped (nil: not counted). Texts, errors and messages go through Clean; values of other types than slog's
// own are written as their text, never as their fields. Safe for concurrent use if w is.
func NewLogger(w io.Writer, level slog.Leveler, dropped prometheus.Counter) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level:       level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr { return pass(groups, a, dropped) },
	}))
}

// NewDropped registers the counter of dropped attributes.
func NewDropped(reg prometheus.Registerer) (prometheus.Counter, error) {
	c := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "payonce_log_attributes_dropped_total",
		Help: "Attributes that were kept off a log line because their name is not known: a bug to report.",
	})
	if err := reg.Register(c); err != nil {
		return nil, fmt.Errorf("register the log metrics: %w", err)
	}
	return c, nil
}

// pass is called by slog for each attribute after its LogValuer was asked; groups are opened by slog itself.
func pass(groups []string, a slog.Attr, dropped prometheus.Counter) slog.Attr {
	builtin := len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey)
	if builtin && a.Key != slog.MessageKey {
		return a
	}
	if !builtin && !Known(a.Key) {
		if dropped != nil {
			dropped.Inc()
		}
		return slog.Attr{}
	}
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, Clean(a.Value.String()))
	case slog.KindAny:
		return slog.String(a.Key, Clean(textOf(a.Value.Any())))
	default:
		return a
	}
}

func textOf(v any) string {
	switch v := v.(type) {
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	case []byte:
		return string(v)
	default:
		return fmt.Sprint(v)
	}
}
