package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// site is a sandbox behind a socket.
type site struct {
	t    *testing.T
	box  *Sandbox
	url  string
	wire *http.Transport
}

func newSite(t *testing.T, c Config) *site {
	t.Helper()
	box, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	wire := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(func() {
		wire.CloseIdleConnections()
		if err := box.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return &site{t: t, box: box, url: server.URL, wire: wire}
}

// reply is an answer that has been read to its end.
type reply struct {
	status int
	header http.Header
	text   string
}

func (s *site) request(method, path, body string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", testKey)
	if strings.HasPrefix(path, "/v1/") && body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func round(rt http.RoundTripper, r *http.Request) (reply, error) {
	resp, err := rt.RoundTrip(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(b)}, err
}

func (s *site) send(method, path, body, key string) (reply, error) {
	s.t.Helper()
	r := s.request(method, path, body)
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	return round(s.wire, r)
}

func (s *site) ok(method, path, body, key string) (object, http.Header) {
	s.t.Helper()
	resp, err := s.send(method, path, body, key)
	if err != nil || resp.status != http.StatusOK {
		s.t.Fatalf("%s %s: %v %s", method, path, err, resp.text)
	}
	return decode(s.t, []byte(resp.text)), resp.header
}

func TestHeaders(t *testing.T) {
	s := newSite(t, Config{})
	made, h := s.ok("POST", create, form(ours), "k")
	if h.Get("Request-Id") == "" || h.Get("Stripe-Version") != APIVersion || h.Get("Idempotency-Key") != "k" || h.Get("Idempotent-Replayed") != "" ||
		h.Get("Content-Type") != "application/json" {
		t.Errorf("%v", h)
	}
	again, h2 := s.ok("POST", create, form(ours), "k")
	if again.text("id") != made.text("id") || h2.Get("Idempotent-Replayed") != "true" || h2.Get("Original-Request") != h.Get("Request-Id") {
		t.Errorf("%v", h2)
	}
	r := s.request("GET", "/v1/account", "")
	r.Header.Del("Authorization")
	r.Header.Set("Stripe-Version", "2022-11-15")
	resp, err := round(s.wire, r)
	if err != nil || resp.status != http.StatusUnauthorized || resp.header.Get("Www-Authenticate") == "" || resp.header.Get("Stripe-Version") != "2022-11-15" {
		t.Errorf("%+v %v", resp, err)
	}
	resp, err = s.send("POST", create, "{}", "")
	if err != nil || resp.status != http.StatusBadRequest {
		t.Errorf("%+v %v", resp, err)
	}
	r = s.request("POST", create, form(ours))
	r.Header.Set("Content-Type", "application/json")
	if resp, err = round(s.wire, r); err != nil || resp.status != http.StatusBadRequest {
		t.Errorf("JSON taken as a form: %+v %v", resp, err)
	}
}

func TestFaultsOnTheWire(t *testing.T) {
	s := newSite(t, Config{})
	s.ok("POST", "/_sandbox/faults", `{"rules":[{"kind":"lost_answer","endpoint":"create","times":1},{"kind":"reset","endpoint":"balance","times":1}]}`, "")
	// Without an idempotency key net/http does not repeat a POST by itself.
	if _, err := s.send("POST", create, form(ours+"&confirm=true&payment_method=pm_card_visa"), ""); !errors.Is(err, io.EOF) {
		t.Errorf("lost answer: %v", err)
	}
	// On a connection that was used before, net/http would repeat a GET by itself.
	_, err := round(&http.Transport{DisableKeepAlives: true}, s.request("GET", "/v1/balance", ""))
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reset: %v", err)
	}
	stats, err := s.box.Stats()
	if err != nil || stats.Charges != 1 || stats.Faults[LostAnswer] != 1 || stats.Faults[Reset] != 1 {
		t.Errorf("%+v %v", stats, err)
	}
}

func TestLatencyHoldsTheKeyAndEndsOnClose(t *testing.T) {
	s := newSite(t, Config{Faults: Plan{Rules: []Rule{{Kind: Latency, DelayMS: 1000 * 3600, Endpoint: "create", Times: 1}}}})
	failed := make(chan error, 1)
	go func() {
		_, err := s.send("POST", create, form(ours), "k")
		failed <- err
	}()
	for { // until the first request holds its key
		stats, err := s.box.Stats()
		if err != nil {
			t.Fatal(err)
		}
		if stats.Faults[Latency] == 1 {
			break
		}
	}
	resp, err := s.send("POST", create, form(ours), "k")
	if err != nil || resp.status != http.StatusConflict || !strings.Contains(resp.text, "idempotency_key_in_use") {
		t.Errorf("%v %s", err, resp.text)
	}
	if err := s.box.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil {
		t.Error("the slow request was answered by a closed sandbox")
	}
	resp, err = s.send("GET", "/v1/balance", "", "")
	if err != nil || resp.status != http.StatusServiceUnavailable {
		t.Errorf("%v", err)
	}
}

func TestDelayedAnswer(t *testing.T) {
	s := newSite(t, Config{Faults: Plan{Rules: []Rule{{Kind: DelayedAnswer, DelayMS: 1, Times: 1}}}})
	if made, _ := s.ok("POST", create, form(ours), "k"); made.text("id") == "" {
		t.Error("no answer")
	}
}

// Many clients at once, each with duplicates of its own: one charge a payment, and the journal agrees.
func TestManyClients(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	s := newSite(t, Config{Path: path, Faults: Plan{Seed: 1, Rules: []Rule{
		{Kind: LostAnswer, Rate: 0.05}, {Kind: Error500Effect, Rate: 0.05, Endpoint: "confirm"}, {Kind: RateLimit, Rate: 0.05},
	}}})
	const clients, each = 16, 12
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for n := range each {
				pay := fmt.Sprintf("%032x", c*each+n)
				id := ""
				for id == "" { // until an answer comes through
					resp, err := s.send("POST", create, form(cardOnly+"&metadata[payonce_id]=pay_"+pay), "create-"+pay)
					if err == nil && resp.status == http.StatusOK {
						id = decode(t, []byte(resp.text)).text("id")
					}
				}
				var twins sync.WaitGroup
				for range 2 {
					twins.Go(func() {
						for {
							resp, err := s.send("POST", create+"/"+id+"/confirm", form("payment_method=pm_card_visa"), "confirm-"+pay)
							if err == nil && (resp.status == http.StatusOK || resp.status == http.StatusInternalServerError) {
								return
							}
						}
					})
				}
				twins.Wait()
			}
		})
	}
	wg.Wait()
	stats, err := s.box.Stats()
	if err != nil || stats.Charges != clients*each || stats.PerPayment.Max != 1 || stats.PerPayment.Distinct != clients*each {
		t.Fatalf("%+v %v", stats, err)
	}
	again, err := Open(Config{Path: copied(t, path, -1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}()
	sameState(t, s.box.core, again.core, time.Now())
}
