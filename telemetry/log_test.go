package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/payonce/payonce/telemetry"
)

// Test data, in pieces: a well-known test card number and keys that open nothing.
var (
	card      = strings.Repeat("42", 8)
	stripeKey = "sk_" + "live_" + strings.Repeat("c3", 12)
	ownKey    = "po_" + strings.Repeat("d4", 24) + "e"
	client    = "pi_1_" + "secret_" + strings.Repeat("f5", 8)
)

type valuer struct{ text string }

func (v valuer) LogValue() slog.Value { return slog.StringValue(v.text) }

type holder struct{ Number string }

// TestNothingSecretPasses plants a card number and keys wherever a log call could carry them.
func TestNothingSecretPasses(t *testing.T) {
	for name, planted := range map[string]string{
		"card": card, "card with dashes": card[:4] + "-" + card[4:8] + "-" + card[8:12] + "-" + card[12:],
		"Stripe key": stripeKey, "own key": ownKey, "client secret": client,
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			log := telemetry.NewLogger(&out, slog.LevelDebug, nil)
			err := fmt.Errorf("outer: %w", errors.New("inner with "+planted))
			log.Info("message with "+planted, slog.String("error", "text "+planted+" text"))
			log.Error("failed", slog.Any("error", err), slog.Any("panic", holder{Number: planted}))
			log.Warn("bytes", slog.Any("error", []byte(planted)), slog.Any("state", valuer{planted}))
			log.With(slog.String("payment", planted)).Info("with", slog.String("number", planted))
			log.WithGroup(planted[:3]).Info("group", slog.Group("error", slog.String("error", planted), slog.Any("x", planted)))
			log.Info("authorization", slog.String("error", "Authorization: Bearer "+planted))
			if strings.Contains(out.String(), planted) {
				t.Errorf("%q passed:\n%s", planted, out.String())
			}
			if got := strings.Count(out.String(), "\n"); got != 6 {
				t.Errorf("%d lines, want 6", got)
			}
		})
	}
}

func TestUnknownAttributesAreDroppedAndCounted(t *testing.T) {
	reg := prometheus.NewRegistry()
	dropped, err := telemetry.NewDropped(reg)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, slog.LevelInfo, dropped)
	log.Info("worked", slog.String("payment", "pay_1"), slog.String("email", "a@example.org"), slog.Int("attempt", 2))
	log.Debug("not at this level", slog.String("email", "a@example.org"))
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line["payment"] != "pay_1" || line["attempt"] != float64(2) || line["email"] != nil || line["msg"] != "worked" || line["time"] == nil {
		t.Errorf("got %v", line)
	}
	if got := testutil.ToFloat64(dropped); got != 1 {
		t.Errorf("%v dropped, want 1", got)
	}
}

func TestCleanBoundsLength(t *testing.T) {
	got := telemetry.Clean(strings.Repeat("ä", 5000))
	if len(got) > 2100 || !strings.HasSuffix(got, "ä…") {
		t.Errorf("%d bytes, ends %q", len(got), got[len(got)-8:])
	}
}
