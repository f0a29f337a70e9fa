package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/payonce/payonce/gateway/sandbox"
)

// TestPeersCharge holds that a peer does what it is compared for: one charge, and the card's facts where it asks for them.
func TestPeersCharge(t *testing.T) {
	for _, tc := range []struct {
		kind    string
		status  int
		charges int
		last4   string
	}{
		{peerBare, http.StatusOK, 1, "4242"},
		{peerBarePlain, http.StatusOK, 1, ""},
		{peerLean, http.StatusOK, 1, "4242"},
		{peerJSON, http.StatusAccepted, 0, ""},
	} {
		t.Run(tc.kind, func(t *testing.T) {
			box, err := sandbox.Open(sandbox.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = box.Close() }()
			stripe := httptest.NewServer(box.Handler())
			defer stripe.Close()
			charge, err := chargerOf(peerOrder{Kind: tc.kind, Stripe: stripe.URL})
			if err != nil {
				t.Fatal(err)
			}
			c := caller{order: &loadOrder{Prefix: "t"}}
			c.request(1)
			r := httptest.NewRequest(http.MethodPost, "/v1/payments", strings.NewReader(string(c.body)))
			r.Header.Set("Idempotency-Key", "t-1")
			w := httptest.NewRecorder()
			pay(w, r, charge)
			var a answer
			if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != tc.status {
				t.Fatalf("%d %s %v", w.Code, w.Body, err)
			}
			stats, err := box.Stats()
			if err != nil || stats.Charges != tc.charges || a.Stripe.Last4 != tc.last4 || a.Amount != 1001 || a.Reference != "order-t-1" {
				t.Errorf("%d charges, %+v, %v", stats.Charges, a, err)
			}
		})
	}
	if _, err := chargerOf(peerOrder{Kind: "another"}); err == nil {
		t.Error("an unknown peer was made")
	}
}
