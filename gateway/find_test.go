package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/gateway"
	"github.com/payonce/payonce/gateway/sandbox"
	"github.com/payonce/payonce/idempotency"
)

// pay creates and confirms; the answer's intent may be in any state.
func (r *rig) pay(rec idempotency.Record, key string) *idempotency.Intent {
	r.t.Helper()
	a := r.do(createConfirm(rec, key))
	if a.Intent == nil {
		r.t.Fatalf("%+v", a)
	}
	return a.Intent
}

func (r *rig) open(rec idempotency.Record, key string) *idempotency.Intent {
	r.t.Helper()
	return r.want(idempotency.AnswerIntent, create(rec, key)).Intent
}

func TestFindNothing(t *testing.T) {
	r := newRig(t)
	r.pay(record(2), "other")
	before := idempotency.At(time.Now())
	a := r.want(idempotency.AnswerNothing, find(record(1)))
	if a.Intent != nil || a.PaidIntents != 0 || a.Began < before || a.Status != 200 || a.RequestID == "" {
		t.Fatalf("%+v", a)
	}
}

// What has our ids but not our amount or currency, or our ids under another installation, is not ours.
func TestFindMatchesAll(t *testing.T) {
	r := newRig(t)
	rec := record(1)
	r.pay(record(1, func(r *idempotency.Record) { r.Request.Amount.Minor++ }), "amount")
	r.pay(record(1, func(r *idempotency.Record) { r.Request.Amount.Currency = "USD" }), "currency")
	other := createConfirm(rec, "installation")
	other.Form = gateway.Forms{Installation: uuid.MustParse("6ba7b811-9dad-41d1-80b4-00c04fd430c8")}.CreateConfirmForm(rec)
	r.want(idempotency.AnswerIntent, other)
	r.charges(3)
	r.want(idempotency.AnswerNothing, find(rec))
	id := r.pay(rec, "ours").ID
	if a := r.want(idempotency.AnswerIntent, find(rec)); a.Intent.ID != id || a.PaidIntents != 1 {
		t.Fatalf("%+v", a)
	}
}

func TestFindWindow(t *testing.T) {
	r := newRig(t)
	rec := record(1)
	created := r.pay(rec, "k").Created
	call := find(rec)
	for name, c := range map[string]struct {
		from, to idempotency.Instant
		class    idempotency.AnswerClass
	}{
		"around":          {created - 1000, created + 1000, idempotency.AnswerIntent},
		"the very second": {created, created, idempotency.AnswerIntent},
		"before":          {created - 9000, created - 1000, idempotency.AnswerNothing},
		"after":           {created + 1000, created + 9000, idempotency.AnswerNothing},
	} {
		call.From, call.To = c.from, c.to
		if a := r.do(call); a.Class != c.class {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// The most telling intent is reported, and paid ones are counted, over many pages.
func TestFindOverPages(t *testing.T) {
	r := newRig(t)
	rec := record(1)
	paid := r.pay(rec, "first").ID // the oldest: on the last page
	for n := range 230 {
		r.open(record(byte(2+n%100)), fmt.Sprint("noise", n))
	}
	if a := r.want(idempotency.AnswerIntent, find(rec)); a.Intent.ID != paid || a.PaidIntents != 1 {
		t.Fatalf("%+v", a)
	}
	r.open(rec, "spare")
	r.pay(record(1, by("pm_sandbox_processing")), "processing")
	second := r.pay(rec, "second").ID
	a := r.want(idempotency.AnswerIntent, find(rec))
	if a.PaidIntents != 2 || a.Intent.ID != second || a.Intent.Status != idempotency.IntentSucceeded {
		t.Fatalf("%+v", a)
	}
	stats, err := r.box.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if n := stats.Requests["list"]; n != 6 {
		t.Errorf("%d pages, want 3 for each look", n)
	}
}

func TestFindOther(t *testing.T) {
	r := newRig(t)
	const same = "order-same"
	on := func(n byte, set ...func(*idempotency.Record)) idempotency.Record {
		return record(n, append(set, func(r *idempotency.Record) { r.Reference, r.Request.Reference = same, same })...)
	}
	mine := on(1)
	look := find(mine)
	look.AnyOfReference = true

	r.pay(on(4, func(r *idempotency.Record) { r.AllowRepeat = true }), "repeat")
	r.pay(on(5, func(r *idempotency.Record) { r.Tenant = "another" }), "tenant")
	r.pay(record(6), "reference")
	r.want(idempotency.AnswerNothing, look)

	open := r.open(on(2), "unpaid")
	if a := r.want(idempotency.AnswerOther, look); a.Intent.Status != idempotency.IntentRequiresConfirmation {
		t.Fatalf("one that is open may still be charged: %v, %+v", open, a)
	}
	onItsWay := r.pay(on(3, by("pm_sandbox_processing")), "processing").ID
	if a := r.want(idempotency.AnswerOther, look); a.Intent.ID != onItsWay {
		t.Fatalf("a bank debit on its way may be paid without us: %+v", a)
	}
	other := r.pay(on(7), "paid").ID
	if a := r.want(idempotency.AnswerOther, look); a.Intent.ID != other || a.Intent.Payment != on(7).ID {
		t.Fatalf("%+v", a)
	}
	r.want(idempotency.AnswerNothing, find(mine)) // not asked for

	// An open one of ours must not be gone on with now; one that may be paid without us decides.
	r.open(mine, "mine")
	r.want(idempotency.AnswerOther, look)
	processing := r.pay(on(1, by("pm_sandbox_processing")), "mine-processing").ID
	if a := r.want(idempotency.AnswerIntent, look); a.Intent.ID != processing {
		t.Fatalf("%+v", a)
	}
	id := r.pay(mine, "mine-paid").ID
	if a := r.want(idempotency.AnswerIntent, look); a.Intent.ID != id {
		t.Fatalf("%+v", a)
	}

	// Without a reference every payment has the same empty token; that is no purchase.
	bare := find(record(8, func(r *idempotency.Record) { r.Reference, r.Request.Reference = "", "" }))
	r.pay(record(9, func(r *idempotency.Record) { r.Reference, r.Request.Reference = "", "" }), "bare")
	bare.AnyOfReference, bare.Reference = true, events.ReferenceToken("shop", "")
	r.want(idempotency.AnswerNothing, bare)
}

// "Cannot be asked" is never "not found", whichever page fails.
func TestFindFails(t *testing.T) {
	for _, c := range []struct {
		kind  sandbox.Kind
		class idempotency.AnswerClass
	}{
		{sandbox.LostAnswer, idempotency.AnswerNone},
		{sandbox.Reset, idempotency.AnswerNone},
		{sandbox.BadGateway, idempotency.AnswerNone},
		{sandbox.Unavailable, idempotency.AnswerNone},
		{sandbox.RateLimit, idempotency.AnswerBusy},
	} {
		for skip := range 2 {
			t.Run(fmt.Sprint(c.kind, skip), func(t *testing.T) {
				r := newRig(t)
				r.pay(record(1), "ours")
				for n := range 120 {
					r.open(record(2), fmt.Sprint("noise", n))
				}
				// net/http may repeat a GET, so the fault stays.
				r.faults(sandbox.Rule{Kind: c.kind, Endpoint: "list", Skip: skip})
				if a := r.do(find(record(1))); a.Class != c.class || a.Intent != nil || a.Began == 0 {
					t.Fatalf("%+v", a)
				}
			})
		}
	}
}

// pages serves fixed list answers, one per request.
func pages(t *testing.T, answers ...string) string {
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(answers[min(n, len(answers)-1)]))
		n++
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestFindDistrustsBadPages(t *testing.T) {
	ours := `{"id":"pi_1","object":"payment_intent","amount":1000,"currency":"eur","created":1680800504,"status":"pondering",` +
		`"metadata":{"payonce_installation":"` + installation.String() + `","payonce_id":"` + record(1).ID.String() + `"}}`
	for name, body := range map[string]string{
		"not a list":            `{"object":"search_result","data":[],"has_more":false}`,
		"no has_more":           `{"object":"list","data":[]}`,
		"no data":               `{"object":"list","has_more":false}`,
		"more after nothing":    `{"object":"list","data":[],"has_more":true}`,
		"entry without id":      `{"object":"list","data":[{"object":"payment_intent"}],"has_more":false}`,
		"half a page":           `{"object":"list","data":[`,
		"ours, unknown status":  `{"object":"list","data":[` + ours + `],"has_more":false}`,
		"an error with a 200":   `{"error":{"type":"api_error","message":"x"}}`,
		"a page that never end": `{"object":"list","data":[{"id":"pi_1"}],"has_more":true}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newGateway(t, pages(t, body), func(c *gateway.Config) { c.FindTimeout = 100 * time.Millisecond })
			if a := s.Do(t.Context(), find(record(1))); a.Class != idempotency.AnswerNone {
				t.Fatalf("%+v", a)
			}
		})
	}
	foreign := `{"object":"list","data":[{"id":"pi_1","object":"payment_intent","status":"pondering","metadata":{}}],"has_more":false}`
	s := newGateway(t, pages(t, foreign))
	if a := s.Do(t.Context(), find(record(1))); a.Class != idempotency.AnswerNothing {
		t.Fatalf("someone else's intent was in the way: %+v", a)
	}
}

func TestSweep(t *testing.T) {
	r := newRig(t)
	for n := range 215 {
		rec := record(byte(n))
		if n%3 == 0 {
			r.pay(rec, strconv.Itoa(n))
		} else {
			r.open(rec, strconv.Itoa(n))
		}
	}
	stranger := create(record(1), "stranger")
	stranger.Form = gateway.Forms{Installation: uuid.MustParse("6ba7b811-9dad-41d1-80b4-00c04fd430c8")}.CreateForm(record(1))
	r.want(idempotency.AnswerIntent, stranger)
	window := idempotency.Window{From: idempotency.At(time.Now()).Add(-time.Hour), To: idempotency.At(time.Now()).Add(time.Hour)}

	seen, paid := map[events.ID]int{}, 0
	err := r.s.Sweep(t.Context(), window, func(i idempotency.Intent) error {
		seen[i.Payment]++
		if i.Status == idempotency.IntentSucceeded {
			paid++
			if i.Card == nil || i.Charge == "" {
				t.Errorf("no charge with %+v", i)
			}
		}
		return nil
	})
	if err != nil || len(seen) != 215 || paid != 72 {
		t.Fatalf("%d payments, %d paid, %v", len(seen), paid, err)
	}

	enough := errors.New("enough")
	calls := 0
	err = r.s.Sweep(t.Context(), window, func(idempotency.Intent) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	if err := r.s.Sweep(ctx, window, func(idempotency.Intent) error { stop(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// A look gives up on a list that is too long, a sweep reads it to its end; neither goes round in circles.
func TestLongLists(t *testing.T) {
	const length = 5100
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		n := 0
		if after := r.URL.Query().Get("starting_after"); after != "" {
			n, _ = strconv.Atoi(strings.TrimPrefix(after, "pi_"))
			n++
		}
		fmt.Fprintf(w, `{"object":"list","data":[{"id":"pi_%d","object":"payment_intent","metadata":{}}],"has_more":%t}`, n, n+1 < length)
	}))
	defer server.Close()
	s := newGateway(t, server.URL)
	if a := s.Do(t.Context(), find(record(1))); a.Class != idempotency.AnswerNone || a.Code != gateway.CodeTooManyPages {
		t.Fatalf("%+v", a)
	}
	asked = 0
	window := idempotency.Window{From: 1, To: idempotency.At(time.Now())}
	if err := s.Sweep(t.Context(), window, func(idempotency.Intent) error { return nil }); err != nil || asked != length {
		t.Fatalf("%d pages, %v", asked, err)
	}
	same := newGateway(t, pages(t, `{"object":"list","data":[{"id":"pi_1","metadata":{}}],"has_more":true}`))
	if err := same.Sweep(t.Context(), window, func(idempotency.Intent) error { return nil }); !errors.Is(err, gateway.ErrUnavailable) {
		t.Fatalf("a list that does not go on: %v", err)
	}
}

// A sweep waits out a short outage, goes on where it was, and says so when it cannot.
func TestSweepWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, err := sandbox.New(sandbox.Options{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		s := newGateway(t, "http://stripe.test", over(&sandbox.Transport{Stripe: core, Clock: time.Now}), func(c *gateway.Config) {
			c.ReadsPerSecond = 1000
		})
		for n := range 150 {
			if a := s.Do(t.Context(), create(record(byte(n)), strconv.Itoa(n))); a.Class != idempotency.AnswerIntent {
				t.Fatalf("%+v", a)
			}
		}
		window := idempotency.Window{To: idempotency.At(time.Now())}
		outage := func(rules ...sandbox.Rule) {
			if err := core.SetFaults(sandbox.Plan{Rules: rules}, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		outage(sandbox.Rule{Kind: sandbox.Unavailable, Endpoint: "list", Skip: 1, Times: 2}, sandbox.Rule{Kind: sandbox.RateLimit, Endpoint: "list", Skip: 1, Times: 1})
		n := 0
		count := func(idempotency.Intent) error { n++; return nil }
		if err := s.Sweep(t.Context(), window, count); err != nil || n != 150 {
			t.Fatalf("%d, %v", n, err)
		}
		outage(sandbox.Rule{Kind: sandbox.Unavailable, Endpoint: "list"})
		began := time.Now()
		err = s.Sweep(t.Context(), window, count)
		var unavailable *gateway.UnavailableError
		if !errors.Is(err, gateway.ErrUnavailable) || !errors.As(err, &unavailable) || unavailable.Class != idempotency.AnswerNone || unavailable.Status != 503 {
			t.Fatalf("%v", err)
		}
		if d := time.Since(began); d < time.Minute || d > 5*time.Minute {
			t.Errorf("gave up after %v", d)
		}
	})
}
