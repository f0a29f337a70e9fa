package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/payonce/payonce/client"
	"github.com/payonce/payonce/gateway/sandbox"
)

// world is what the verifier is shown: one payment that was acknowledged, stored, charged and published, until a test
// spoils it.
type world struct {
	verifier *verifier
	stats    sandbox.Stats
	charges  []sandbox.Charge
	feed     []client.CloudEvent
}

const paymentID = "pay_00000000000000000000000000000001"

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		stats: sandbox.Stats{Charges: 1, PerPayment: sandbox.Counts{Max: 1}, PerReference: sandbox.Counts{Max: 1}},
		charges: []sandbox.Charge{{
			ID: "ch_1", Amount: 100, Metadata: map[string]string{"payonce_id": paymentID},
		}},
		feed: []client.CloudEvent{{ID: "e1", Subject: paymentID, Data: client.PaymentOutcome{State: client.StateSucceeded}}},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/_sandbox/stats", func(rw http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(rw).Encode(w.stats) })
	mux.HandleFunc("/_sandbox/charges", func(rw http.ResponseWriter, _ *http.Request) {
		for _, c := range w.charges {
			_ = json.NewEncoder(rw).Encode(c)
		}
	})
	mux.HandleFunc("/v1/events", func(rw http.ResponseWriter, r *http.Request) {
		list := client.EventList{Next: "1-1", Events: []client.CloudEvent{}}
		if r.URL.Query().Get("after") == "" {
			list.Events = w.feed
		}
		_ = json.NewEncoder(rw).Encode(list)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	api, err := newClient(s.URL, "po_test")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{sandbox: &process{url: s.URL}, api: api}
	l := newLoad(h, options{rate: 1})
	l.paid[paymentID] = acknowledged{key: "k", reference: "order", amount: 100}
	l.half = w.feed
	w.verifier = &verifier{house: h, load: l, payments: map[string]client.Payment{paymentID: {
		ID: paymentID, State: client.StateSucceeded, Amount: 100, AmountCaptured: 100, Reference: "order",
		Stripe: client.StripeIDs{Charge: "ch_1"},
	}}}
	return w
}

func (w *world) change(f func(p *client.Payment)) {
	p := w.verifier.payments[paymentID]
	f(&p)
	w.verifier.payments[paymentID] = p
}

// TestEachBrokenPromiseIsSeen: a check that cannot fail proves nothing.
func TestEachBrokenPromiseIsSeen(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(w *world)
		want  string // part of a violation; empty: none
	}{
		{"all is well", func(*world) {}, ""},
		{"lost", func(w *world) { delete(w.verifier.payments, paymentID) }, "is gone"},
		{"another amount", func(w *world) { w.change(func(p *client.Payment) { p.Amount = 99 }) }, "not what was submitted"},
		{"never acknowledged", func(w *world) { clear(w.verifier.load.paid) }, "every answer for its key was a refusal"},
		{"payment charged twice", func(w *world) { w.stats.PerPayment = sandbox.Counts{Max: 2, Over: 1} }, "a payment was charged more than once"},
		{"purchase charged twice", func(w *world) { w.stats.PerReference = sandbox.Counts{Max: 2, Over: 1} }, "a purchase was charged more than once"},
		{"nobody's charge", func(w *world) { w.stats.Unattributed = 1 }, "name no payment"},
		{"failed and charged", func(w *world) { w.change(func(p *client.Payment) { p.State = client.StateFailed }) }, "which is failed"},
		{"unknown and charged", func(w *world) { w.change(func(p *client.Payment) { p.State = client.StateUnknown }) }, "which is unknown"},
		{"another charge", func(w *world) { w.change(func(p *client.Payment) { p.Stripe.Charge = "ch_2" }) }, "another charge"},
		{"succeeded, not charged", func(w *world) { w.charges = nil }, "was not charged"},
		{"charge of nothing stored", func(w *world) { w.charges[0].Metadata["payonce_id"] = "pay_2" }, "not stored"},
		{"no outcome", func(w *world) { w.feed, w.verifier.load.half = nil, nil }, "has 0 final outcome events"},
		{"two outcomes", func(w *world) {
			w.feed = append(w.feed, client.CloudEvent{ID: "e2", Subject: paymentID, Data: w.feed[0].Data})
		}, "has 2 final outcome events"},
		{"the same event twice", func(w *world) { w.feed = append(w.feed, w.feed[0]) }, ""},
		{"another outcome", func(w *world) { w.feed[0].Data.State = client.StateFailed }, "says failed"},
		{"a changed event", func(w *world) { w.verifier.load.half = []client.CloudEvent{{ID: "other"}} }, "is another now"},
		{"a bad answer", func(w *world) { w.verifier.load.wrong = []string{"key k was refused"} }, "key k was refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.spoil(w)
			v := w.verifier
			v.violations = append(v.violations, v.load.wrong...)
			v.nothingLost()
			for _, err := range []error{v.chargesOnce(t.Context()), v.statesAgree(t.Context()), v.feedComplete(t.Context())} {
				if err != nil {
					t.Fatal(err)
				}
			}
			all := strings.Join(v.violations, "\n")
			if tt.want == "" && all != "" || !strings.Contains(all, tt.want) {
				t.Errorf("violations %q, want one with %q", all, tt.want)
			}
		})
	}
}

// TestDoubtIsNotTakenForSettled: only an unknown payment without a charge is in doubt by rule.
func TestDoubtIsNotTakenForSettled(t *testing.T) {
	for _, tt := range []struct {
		state       client.State
		charged     bool
		open, doubt int
	}{
		{client.StateSucceeded, true, 0, 0},
		{client.StateUnknown, true, 1, 0},
		{client.StateUnknown, false, 0, 1},
		{client.StateRetryScheduled, false, 1, 0},
	} {
		w := newWorld(t)
		w.change(func(p *client.Payment) { p.State = tt.state })
		if !tt.charged {
			w.charges = nil
		}
		open, doubt, err := w.verifier.open(t.Context())
		if err != nil || open != tt.open || doubt != tt.doubt {
			t.Errorf("%s, charged %t: %d open, %d in doubt, %v", tt.state, tt.charged, open, doubt, err)
		}
	}
}
