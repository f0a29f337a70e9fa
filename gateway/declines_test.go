package gateway

import (
	"slices"
	"strings"
	"testing"
)

func TestFailureOf(t *testing.T) {
	const own = "Stripe's own sentence."
	for _, c := range []struct{ code, decline, message, next string }{
		{"card_declined", "insufficient_funds", "The card has insufficient funds.", stepOther},
		{"card_declined", "stolen_card", genericMessage, stepGeneric},
		{"card_declined", "fraudulent", genericMessage, stepGeneric},
		{"card_declined", "processing_error", "An error occurred while the card was processed.", stepAgain},
		{"card_declined", "not_in_any_list", genericMessage, stepIssuer},
		{"expired_card", "", "The card has expired.", stepOther},
		{"amount_too_small", "", own, stepAmount},
		{"parameter_unknown", "", own, stepRequest},
	} {
		f := FailureOf(c.code, c.decline, own)
		if f.Code != c.code || f.DeclineCode != c.decline || f.Message != c.message || f.NextStep != c.next {
			t.Errorf("%s/%s: %+v", c.code, c.decline, f)
		}
	}
	if f := FailureOf("", "", ""); f.Code == "" || f.Message == "" || f.NextStep == "" {
		t.Errorf("%+v", f)
	}
}

// What the app is told must agree with what payonce does, and no hidden reason may be told.
func TestDeclineTables(t *testing.T) {
	for code, a := range byDecline {
		if again := slices.Contains(RetryableDeclines, code); again != (a.next == stepAgain) {
			t.Errorf("%s: is retried %v, says %q", code, again, a.next)
		}
		if a.message == "" || a.next == "" {
			t.Errorf("%s says nothing", code)
		}
	}
	for _, code := range RetryableDeclines {
		if _, ok := byDecline[code]; !ok {
			t.Errorf("%s is not in the table", code)
		}
	}
	for _, code := range []string{"fraudulent", "lost_card", "stolen_card", "pickup_card", "merchant_blacklist", "restricted_card", "highest_risk_level"} {
		f := FailureOf("card_declined", code, "Your card was reported "+code)
		said := strings.ToLower(f.Message + f.NextStep)
		for _, word := range []string{"lost", "stolen", "fraud", "blacklist", "block", "risk", "pick"} {
			if strings.Contains(said, word) {
				t.Errorf("%s: %q gives the reason away", code, said)
			}
		}
	}
}
