package events

import (
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	visa, amex := testCards["visa"], testCards["amex"]
	cases := []struct{ name, in, want string }{
		{"nothing", "card declined: insufficient funds", "card declined: insufficient funds"},
		{"empty", "", ""},
		{"one", "card " + visa + " declined", "card [redacted] declined"},
		{"two", visa + "," + amex, "[redacted],[redacted]"},
		{"grouped, with expiry", "no " + spaced(visa, " ") + " 12/27", "no [redacted] 12/27"},
		{"escaped", `{"a":"\u0034` + visa[1:] + `"}`, `{"a":"[redacted]"}`},
		{"code", "cvc: 123, please", "cvc: [redacted], please"},
		{"code in json", `{"cvc":"123","x":1}`, `{"cvc":"[redacted]","x":1}`},
		{"code in a form", "card[cvc]=1234&amount=5", "card[cvc]=[redacted]&amount=5"},
		{"code in words", "the security code is 987.", "the security code is [redacted]."},
		{"CVV2", "CVV2=999", "CVV2=[redacted]"},
		{"card_cvv", "card_cvv=999", "card_cvv=[redacted]"},
		{"a code's name without code", "your card's security code is incorrect (2000)", "your card's security code is incorrect (2000)"},
		{"track 1", "read %B" + visa + "^DOE/JOHN^2712101000000000000? end", "read [redacted] end"},
		{"track 1 without sentinel", "B" + visa + "^DOE/JOHN^2712101\nnext", "[redacted]\nnext"},
		{"track 2", "read ;" + visa + "=27121010000012300000? end", "read [redacted] end"},
		{"track 2 of an unknown issuer", ";999999999999=27121010000?", "[redacted]"},
		{"a cookie", "a=1;1234567890123=1", "a=1;1234567890123=1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := Redact(c.in)
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if again := Redact(got); again != got {
				t.Errorf("a second time gives %q", again)
			}
		})
	}
}

func TestRedactGivesUpWhole(t *testing.T) {
	// Escaped twice: the position in the outer text is beyond mapping.
	text := `log: {\\\"a\\\":\\\"\\u0034` + testCards["visa"][1:] + `\\\"}`
	if got := Redact(text); CardNumberInText([]byte(got)) {
		t.Error("a number is left")
	}
}

func TestRedactOverlaps(t *testing.T) {
	// Two numbers that share a group in the middle both go.
	visa := spaced(testCards["visa"], " ")
	if got := Redact(visa + " 4242 4242"); strings.Contains(got, "4242") {
		t.Errorf("left: %q", got)
	}
}

func TestCut(t *testing.T) {
	got := cut("0123456789", []span{{6, 8}, {1, 3}, {2, 4}, {8, 9}})
	if want := "0[redacted]45[redacted]9"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
