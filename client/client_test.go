package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v3"
)

const testKey = "po_secret"

// script answers each request by the next function; the last one answers all that follow.
type script struct {
	t       *testing.T
	steps   []http.HandlerFunc
	seen    []*http.Request
	bodies  []string
	pauses  []time.Duration
	stopped int // pauses after which the back-off gives up; 0: never
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	n := len(s.seen)
	s.seen, s.bodies = append(s.seen, r), append(s.bodies, string(body))
	s.steps[min(n, len(s.steps)-1)](w, r)
}

// client talks to the script, its pauses pass at once and are noted.
func (s *script) client() *Client {
	s.t.Helper()
	server := httptest.NewServer(s)
	s.t.Cleanup(server.Close)
	c, err := New(server.URL, testKey, WithBackOff(func() backoff.BackOff {
		b := backoff.BackOff(backoff.NewConstantBackOff(time.Millisecond))
		if s.stopped > 0 {
			b = backoff.WithMaxRetries(b, uint64(s.stopped))
		}
		return b
	}))
	if err != nil {
		s.t.Fatal(err)
	}
	c.sleep = func(d time.Duration) <-chan time.Time {
		s.pauses = append(s.pauses, d)
		now := make(chan time.Time, 1)
		now <- time.Time{}
		return now
	}
	return c
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		kind := "application/json"
		if status >= 400 {
			kind = "application/problem+json"
		}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func refusal(status int, code string) http.HandlerFunc {
	return answer(status, fmt.Sprintf(`{"type":"urn:payonce:problem:%[2]s","title":"T","status":%[1]d,"code":"%[2]s","detail":"D","request_id":"req_1"}`, status, code))
}

// broken closes the connection without an answer.
func broken(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// short announces more than it sends.
func short(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `{"id":`)
}

const accepted = `{"id":"pay_1","object":"payment","state":"accepted","amount":1000,"amount_captured":0,"amount_refunded":0,` +
	`"currency":"EUR","attempts":0,"stripe":{},"created_at":"2026-03-01T11:00:00.000Z","updated_at":"2026-03-01T11:00:00.000Z","metadata":{},"later":1}`

var order = PaymentRequest{Amount: 1000, Currency: "EUR", PaymentMethod: "pm_card_visa"}

func TestSubmitRepeatsWithTheSameKey(t *testing.T) {
	s := &script{t: t, steps: []http.HandlerFunc{
		broken, short, refusal(500, "internal"), refusal(503, "undecided"), refusal(408, "request_timeout"),
		answer(502, "<html>"), answer(202, "{"), answer(202, accepted),
	}}
	p, err := s.client().Submit(t.Context(), "k1", order)
	if err != nil || p.ID != "pay_1" || p.State != StateAccepted || p.Amount != 1000 {
		t.Fatalf("%+v, %v", p, err)
	}
	// net/http may itself have repeated the broken one.
	if len(s.seen) < 8 {
		t.Errorf("%d tries", len(s.seen))
	}
	for i, r := range s.seen {
		if r.Header.Get("Idempotency-Key") != "k1" || r.Header.Get("Authorization") != "Bearer "+testKey || s.bodies[i] != s.bodies[0] {
			t.Errorf("try %d differs: %v %s", i, r.Header, s.bodies[i])
		}
	}
	if want := `{"amount":1000,"currency":"EUR","payment_method":"pm_card_visa"}`; s.bodies[0] != want {
		t.Errorf("body %s", s.bodies[0])
	}
}

func TestFinalAnswersAreNotRepeated(t *testing.T) {
	for status, code := range map[int]ProblemCode{
		400: CodeInvalidRequest, 401: CodeUnauthenticated, 409: CodeReferenceHeld, 413: CodeBodyTooLarge, 422: CodeCardNumber,
	} {
		s := &script{t: t, steps: []http.HandlerFunc{refusal(status, string(code))}}
		_, err := s.client().Submit(t.Context(), "k1", order)
		if !HasCode(err, code) || errors.Is(err, ErrUndecided) || len(s.seen) != 1 {
			t.Errorf("%d: %v after %d tries", status, err, len(s.seen))
		}
	}
	s := &script{t: t, steps: []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}}}
	var p *Problem
	if _, err := s.client().Submit(t.Context(), "k1", order); !errors.As(err, &p) || p.Status != 307 || len(s.seen) != 1 {
		t.Errorf("a redirect: %v", err)
	}
}

func TestUndecided(t *testing.T) {
	s := &script{t: t, stopped: 2, steps: []http.HandlerFunc{refusal(503, "backlog_full")}}
	_, err := s.client().Submit(t.Context(), "k1", order)
	if !errors.Is(err, ErrUndecided) || !HasCode(err, CodeBacklogFull) || len(s.seen) != 3 {
		t.Errorf("%v after %d tries", err, len(s.seen))
	}

	ctx, cancel := context.WithCancel(t.Context())
	s = &script{t: t, steps: []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}}}
	if _, err := s.client().Cancel(ctx, "k1"); !errors.Is(err, ErrUndecided) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}

	// A read decides nothing, so it cannot be undecided.
	s = &script{t: t, stopped: 1, steps: []http.HandlerFunc{refusal(500, "internal")}}
	if _, err := s.client().Get(t.Context(), "pay_1"); errors.Is(err, ErrUndecided) || !HasCode(err, CodeInternal) || len(s.seen) != 2 {
		t.Errorf("a read: %v after %d tries", err, len(s.seen))
	}
}

func TestRetryAfterWins(t *testing.T) {
	slow := func(after string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", after)
			refusal(503, "backlog_full")(w, r)
		}
	}
	s := &script{t: t, steps: []http.HandlerFunc{slow("5"), slow("86400"), slow("soon"), answer(202, accepted)}}
	if _, err := s.client().Submit(t.Context(), "k1", order); err != nil {
		t.Fatal(err)
	}
	want := []time.Duration{5 * time.Second, maxRetryAfter, time.Millisecond}
	if fmt.Sprint(s.pauses) != fmt.Sprint(want) {
		t.Errorf("pauses %v, want %v", s.pauses, want)
	}
}

func TestKeys(t *testing.T) {
	for key, header := range map[string]string{"k": "k", `a"b`: `a"b`, `"k"`: `"\"k\""`, `"\`: `"\"\\"`} {
		got, err := keyHeader(key)
		if err != nil || got != header {
			t.Errorf("%s: %s, %v", key, got, err)
		}
	}
	s := &script{t: t, steps: []http.HandlerFunc{answer(202, accepted)}}
	c := s.client()
	for _, key := range []string{"", "a b", "ä", "a\n", strings.Repeat("k", 256)} {
		if _, err := c.Submit(t.Context(), key, order); !errors.Is(err, ErrKey) {
			t.Errorf("submit %q: %v", key, err)
		}
		if _, err := c.Cancel(t.Context(), key); !errors.Is(err, ErrKey) {
			t.Errorf("cancel %q: %v", key, err)
		}
	}
	if _, err := c.Submit(t.Context(), "k", PaymentRequest{Reference: "\xff"}); err == nil {
		t.Error("a reference that is not UTF-8 was changed on the way")
	}
	if len(s.seen) != 0 {
		t.Errorf("%d requests were sent", len(s.seen))
	}
}

func TestNew(t *testing.T) {
	for _, base := range []string{"", "127.0.0.1:8080", "ftp://x", "http://", "http://u:p@x", "http://x?y", "http://x#y", ":"} {
		if _, err := New(base, testKey); err == nil {
			t.Errorf("%q is taken", base)
		}
	}
	for _, key := range []string{"", "a b", "a\n"} {
		if _, err := New("http://x", key); err == nil {
			t.Errorf("the API key %q is taken", key)
		}
	}
	mine := &http.Client{Timeout: time.Hour}
	c, err := New("http://x/payonce/", testKey, WithHTTPClient(mine), WithTimeout(time.Minute))
	if err != nil || c.base != "http://x/payonce" || c.timeout != time.Minute || c.http.Timeout != time.Hour || mine.CheckRedirect != nil {
		t.Errorf("%v, %v", c, err)
	}
	if first := defaultBackOff().NextBackOff(); first < 100*time.Millisecond || first > 300*time.Millisecond {
		t.Errorf("first pause %s", first)
	}
}

func TestSecretIsHidden(t *testing.T) {
	c, err := New("http://x", testKey)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", slog.Any("key", c.key))
	text := b.String() + fmt.Sprintf("%v %+v %#v %s %x %q", c, c, c, c.key, c.key, c.key)
	if strings.Contains(text, testKey) || strings.Contains(text, fmt.Sprintf("%x", testKey)) {
		t.Errorf("shown: %s", text)
	}
}

func TestListParameters(t *testing.T) {
	s := &script{t: t, steps: []http.HandlerFunc{answer(200, `{"object":"list","data":[`+accepted+`],"next_cursor":"c2"}`), refusal(400, "invalid_parameter")}}
	f := Filter{
		State: StateUnknown, Reference: "a b&c", CreatedAfter: time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.FixedZone("", 3600)), Attention: true, PageSize: 7,
	}
	n := 0
	var last error
	for _, err := range s.client().List(t.Context(), f) {
		n++
		last = err
	}
	if n != 2 || !HasCode(last, CodeInvalidParameter) {
		t.Errorf("%d steps, %v", n, last)
	}
	want := "attention=true&created_after=2026-03-01T11%3A00%3A00.005Z&limit=7&reference=a+b%26c&state=unknown"
	if got := s.seen[0].URL.RawQuery; got != want {
		t.Errorf("query %s", got)
	}
	if got := s.seen[1].URL.Query().Get("cursor"); got != "c2" {
		t.Errorf("cursor %s", got)
	}
}

func TestFeed(t *testing.T) {
	empty := answer(200, `{"object":"list","events":[],"next":"1-4"}`)
	one := answer(200, `{"object":"list","events":[{"specversion":"1.0","id":"e"}],"next":"1-5"}`)
	s := &script{t: t, steps: []http.HandlerFunc{empty, empty, one, refusal(410, "feed_position_gone")}}
	var pieces []*EventList
	var last error
	for piece, err := range s.client().Feed(t.Context(), "1-3") {
		if last = err; err == nil {
			pieces = append(pieces, piece)
		}
	}
	if len(pieces) != 1 || pieces[0].Next != "1-5" || !HasCode(last, CodeFeedPositionGone) {
		t.Errorf("%v, %v", pieces, last)
	}
	var asked []string
	for _, r := range s.seen {
		asked = append(asked, r.URL.RawQuery)
	}
	want := "after=1-3&limit=100&wait=30 after=1-4&limit=100&wait=30 after=1-4&limit=100&wait=30 after=1-5&limit=100&wait=30"
	if got := strings.Join(asked, " "); got != want {
		t.Errorf("asked %s", got)
	}
	if len(s.pauses) != 1 || s.pauses[0] != emptyPause {
		t.Errorf("pauses %v", s.pauses)
	}
}

func TestWatch(t *testing.T) {
	final := strings.NewReplacer("accepted", "failed", "updated_at\":\"2026-03-01T11:00:00", "updated_at\":\"2026-03-01T11:00:09").Replace(accepted)
	s := &script{t: t, steps: []http.HandlerFunc{answer(200, accepted), answer(200, accepted), answer(200, accepted), answer(200, final)}}
	var states []State
	for p, err := range s.client().Watch(t.Context(), "pay_1") {
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, p.State)
	}
	if fmt.Sprint(states) != "[accepted failed]" {
		t.Errorf("states %v", states)
	}
	if want := "[250ms 500ms 1s]"; fmt.Sprint(s.pauses) != want {
		t.Errorf("pauses %v, want %s", s.pauses, want)
	}
	for _, err := range (&script{t: t, steps: []http.HandlerFunc{refusal(404, "not_found")}}).client().Watch(t.Context(), "pay_1") {
		if !HasCode(err, CodeNotFound) {
			t.Errorf("err = %v", err)
		}
	}
}

func TestProblemText(t *testing.T) {
	p := &Problem{Status: 400, Title: "T", Detail: "D.", Errors: []ProblemError{{Pointer: "/amount", Detail: "do"}, {Parameter: "limit", Detail: "it"}}}
	if got := p.Error(); got != "400 T: D.; /amount: do; limit: it" {
		t.Errorf("%s", got)
	}
}

// The generated types have every member of every example in the API's description.
func TestTypesAreThoseOfTheSpec(t *testing.T) {
	text, err := os.ReadFile("../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct {
			Examples map[string]struct {
				Value any `yaml:"value"`
			} `yaml:"examples"`
			Schemas map[string]struct {
				Properties map[string]any `yaml:"properties"`
			} `yaml:"schemas"`
		} `yaml:"components"`
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	strict := json.RejectUnknownMembers(true)
	for name, e := range doc.Components.Examples {
		b, err := json.Marshal(e.Value)
		if err != nil {
			t.Fatal(err)
		}
		var p Payment
		if err := json.Unmarshal(b, &p, strict); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	types := map[string]any{
		"Payment": &Payment{}, "PaymentRequest": &PaymentRequest{}, "Problem": &Problem{}, "ProblemError": &ProblemError{},
		"PaymentList": &PaymentList{}, "EventList": &EventList{}, "CloudEvent": &CloudEvent{}, "PaymentOutcome": &PaymentOutcome{},
		"Overview": &Overview{}, "QueueDepth": &QueueDepth{}, "Breaker": &Breaker{}, "Health": &Health{}, "PaymentRef": &PaymentRef{},
		"Card": &Card{}, "Failure": &Failure{}, "NextAction": &NextAction{}, "Attention": &Attention{}, "StripeIDs": &StripeIDs{}, "Warning": &Warning{},
	}
	for name, s := range doc.Components.Schemas {
		into, ok := types[name]
		if !ok {
			if len(s.Properties) > 0 {
				t.Errorf("%s is not looked at", name)
			}
			continue
		}
		for member := range s.Properties {
			// null fits every type, so only an unknown name fails.
			if err := json.Unmarshal([]byte(`{"`+member+`":null}`), into, strict); err != nil {
				t.Errorf("%s has no %s: regenerate the types", name, member)
			}
		}
	}
}
