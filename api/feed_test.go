package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

// finish submits a payment for a tenant's secret and lets it succeed.
func (h *house) finish(secret, key string) string {
	h.t.Helper()
	a := h.call(request{method: "POST", target: "/v1/payments", secret: secret, key: key, body: plain})
	id, err := events.ParseID(a.text("id"))
	if err != nil {
		h.t.Fatal(err)
	}
	h.ledger.Change(id, func(r *idempotency.Record) { r.State, r.Captured = idempotency.Succeeded, 1000 })
	return a.text("id")
}

func subjects(a answer) string {
	var all []string
	list, _ := a.json["events"].([]any)
	for _, e := range list {
		all = append(all, e.(map[string]any)["subject"].(string))
	}
	return strings.Join(all, " ")
}

func TestFeed(t *testing.T) {
	h := newHouse(t)
	empty := h.get("/v1/events")
	empty.want(t, 200, "")
	if empty.text("next") != "1-0" || subjects(empty) != "" {
		t.Errorf("empty: %s", empty.body)
	}
	one, other, two := h.finish(h.shop, "a"), h.finish(h.other, "a"), h.finish(h.shop, "b")
	first := h.get("/v1/events?limit=1&after=1-0")
	if subjects(first) != one || first.text("next") != "1-1" {
		t.Errorf("first: %s", first.body)
	}
	rest := h.get("/v1/events?after=" + first.text("next"))
	if subjects(rest) != two || rest.text("next") != "1-3" {
		t.Errorf("rest: %s", rest.body)
	}
	theirs := h.call(request{method: "GET", target: "/v1/events", secret: h.other})
	if subjects(theirs) != other {
		t.Errorf("theirs: %s", theirs.body)
	}
	event := rest.json["events"].([]any)[0].(map[string]any)
	if event["type"] != "payonce.payment.succeeded" || event["source"] != "urn:payonce:installation:"+installation.String() {
		t.Errorf("event: %v", event)
	}
	h.ledger.Reads = func() error { return errors.New("disk") }
	h.get("/v1/events").want(t, 500, "internal")
}

func TestFeedPositionGone(t *testing.T) {
	h := newHouse(t)
	h.finish(h.shop, "a")
	last := h.finish(h.shop, "b")
	h.ledger.Pruned = 1
	h.get("/v1/events?after=1-0").want(t, 410, "feed_position_gone")
	h.get("/v1/events?after=1-1").want(t, 200, "")
	if a := h.get("/v1/events"); subjects(a) != last {
		t.Errorf("from the start: %s", a.body)
	}
	h.ledger.Generation = 2 // restored from a backup
	h.get("/v1/events?after=1-1").want(t, 410, "feed_position_gone")
	h.get("/v1/events?after=2-1").want(t, 200, "")
}

func TestFeedRefusals(t *testing.T) {
	h := newHouse(t)
	for _, target := range []string{
		"?after=", "?after=1", "?after=-", "?after=1-", "?after=1--1", "?after=a-1", "?after=1-99999999999999999999",
		"?after=1-9999999999999999999", "?wait=31", "?wait=-1", "?wait=1.5", "?limit=0", "?x=1", "?after=1-1&after=1-2",
	} {
		h.get("/v1/events"+target).want(t, 400, "invalid_parameter")
	}
}

func TestFeedWaits(t *testing.T) {
	// wait runs one waiting request inside a bubble; act happens once it waits.
	wait := func(t *testing.T, h *house, seconds string, act func()) (a answer, took time.Duration) {
		began := time.Now()
		done := make(chan answer)
		go func() { done <- h.get("/v1/events?wait=" + seconds) }()
		synctest.Wait()
		act()
		a = <-done
		return a, time.Since(began)
	}
	t.Run("until an event", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t)
			var id string
			a, took := wait(t, h, "30", func() {
				time.Sleep(5 * time.Second) // the bubble's clock
				id = h.finish(h.shop, "a")
			})
			if subjects(a) != id || took > 5*time.Second+feedGap {
				t.Errorf("after %s: %s", took, a.body)
			}
		})
	})
	t.Run("past events of others", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t)
			var id string
			a, _ := wait(t, h, "30", func() {
				h.finish(h.other, "a")
				time.Sleep(time.Second)
				id = h.finish(h.shop, "a")
			})
			if subjects(a) != id || a.text("next") != "1-2" {
				t.Errorf("%s", a.body)
			}
		})
	})
	t.Run("no longer than asked", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t)
			a, took := wait(t, h, "7", func() { h.finish(h.other, "a") })
			a.want(t, 200, "")
			if subjects(a) != "" || took != 7*time.Second || a.text("next") != "1-1" {
				t.Errorf("after %s: %s", took, a.body)
			}
		})
	})
	t.Run("until draining", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t)
			a, took := wait(t, h, "30", func() { h.api.Drain(); h.api.Drain() })
			if a.want(t, 200, ""); took != 0 {
				t.Errorf("after %s", took)
			}
			if a, took = wait(t, h, "30", func() {}); a.status != 200 || took != 0 {
				t.Errorf("while draining: %d after %s", a.status, took)
			}
		})
	})
	t.Run("not with too many others", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t, func(c *Config) { c.MaxWaiters = 1 })
			_, took := wait(t, h, "30", func() {
				if a := h.get("/v1/events?wait=30"); a.status != 200 {
					t.Errorf("the second: %s", a.body)
				}
				h.finish(h.shop, "a")
			})
			if took > feedGap {
				t.Errorf("after %s", took)
			}
		})
	})
	t.Run("without an engine that wakes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t, func(c *Config) { c.Reader = struct{ read.Reader }{c.Reader} })
			var id string
			a, took := wait(t, h, "30", func() { id = h.finish(h.shop, "a") })
			if subjects(a) != id || took > feedPoll {
				t.Errorf("after %s: %s", took, a.body)
			}
		})
	})
	t.Run("until the caller goes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t)
			ctx, cancel := context.WithCancel(t.Context())
			r := httptest.NewRequestWithContext(ctx, "GET", "/v1/events?wait=30", nil)
			r.Header.Set("Authorization", "Bearer "+h.shop)
			done := make(chan struct{})
			go func() { defer close(done); h.do(r) }()
			synctest.Wait()
			cancel()
			<-done
			if len(h.api.waiters) != 0 {
				t.Error("its place is not free")
			}
		})
	})
}

// The server's bound for reading a request does not end a wait that is longer.
func TestFeedWaitsBeyondReadTimeout(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	server := httptest.NewUnstartedServer(h.api)
	server.Config = NewServer(h.api)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 50*time.Millisecond, 100*time.Millisecond
	server.Start()
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v1/events?wait=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.shop)
	res, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("answered %d", res.StatusCode)
	}
}

func FuzzPosition(f *testing.F) {
	f.Add("1-4711")
	f.Add("-")
	f.Add("0")
	f.Fuzz(func(t *testing.T, s string) {
		p, ok := parsePosition(s)
		if ok && (p.pos < 0 || p.given == (s == "0")) { // "0" is the start, as if no position were given
			t.Errorf("%+v", p)
		}
	})
}
