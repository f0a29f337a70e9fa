package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/payonce/payonce/accept"
	"github.com/payonce/payonce/accept/accepttest"
	"github.com/payonce/payonce/access"
)

var (
	installation = uuid.MustParse("0d9c2a52-7c9d-4d6f-8a9e-2f1f0c8b7a61")
	start        = time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)
)

const (
	plain   = `{"amount":1000,"currency":"EUR","payment_method":"pm_card_visa"}`
	ordered = `{"amount":1000,"currency":"EUR","payment_method":"pm_card_visa","reference":"order-A1","metadata":{"b":"2","a":"1"}}`
)

// testCard is Stripe's test number for Visa, in parts so that it stands nowhere as a whole.
func testCard() string { return strings.Repeat("42", 8) }

// house is an API with all that stands behind it.
type house struct {
	t       testing.TB
	api     *API
	ledger  *accepttest.Ledger
	keys    *keyStore
	auth    *access.Authenticator
	shop    string // secret of a producer of tenant shop
	other   string // secret of a producer of tenant other
	logged  *lockedBuffer
	metrics *prometheus.Registry
}

func newHouse(t testing.TB, edit ...func(*Config)) *house {
	t.Helper()
	h := &house{t: t, ledger: accepttest.New(), keys: &keyStore{}, logged: &lockedBuffer{}, metrics: prometheus.NewRegistry()}
	h.auth = access.NewAuthenticator(access.Config{Store: h.keys})
	h.shop, h.other = h.key("shop"), h.key("other")
	desk, err := accept.New(accept.Config{
		Ledger: h.ledger, Queue: h.ledger, Clock: func() time.Time { return start },
		Installation: installation, Secret: []byte("0123456789abcdef0123456789abcdef"), MaxBacklog: 100_000,
	})
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		Desk: desk, Reader: h.ledger, Keys: h.auth, Queue: h.ledger, Source: "urn:payonce:installation:" + installation.String(),
		Clock: func() time.Time { return start }, Registerer: h.metrics,
		Logger: slog.New(slog.NewJSONHandler(h.logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range edit {
		f(&c)
	}
	if h.api, err = New(c); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) key(tenant string) string {
	h.t.Helper()
	k, secret, err := access.New(tenant, "p", access.Producer, rand.Reader, start)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.keys.PutKey(context.Background(), k); err != nil {
		h.t.Fatal(err)
	}
	return secret
}

// request is what call sends; zero members are left out.
type request struct {
	method, target, body string
	secret               string
	key                  string
	header               http.Header
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
	json   map[string]any
}

func (a answer) text(name string) string { s, _ := a.json[name].(string); return s }

// call sends a request and holds the answer against the specification.
func (h *house) call(q request) answer {
	h.t.Helper()
	r := httptest.NewRequest(q.method, q.target, strings.NewReader(q.body))
	if q.body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	if q.secret != "" {
		r.Header.Set("Authorization", "Bearer "+q.secret)
	}
	if q.key != "" {
		r.Header.Set("Idempotency-Key", q.key)
	}
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, values := range q.header {
		r.Header[name] = values
	}
	return h.do(r)
}

func (h *house) do(r *http.Request) answer {
	h.t.Helper()
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, r)
	res := w.Result()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: body}
	if strings.HasSuffix(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(body, &a.json); err != nil {
			h.t.Fatalf("%s %s: %v in %s", r.Method, r.URL.Path, err, body)
		}
	}
	h.checkAnswer(r, res, a)
	return a
}

func (h *house) checkAnswer(r *http.Request, res *http.Response, a answer) {
	h.t.Helper()
	s := theSpec(h.t)
	if r.Pattern != "" {
		method, path, ok := strings.Cut(r.Pattern, " ")
		if ok {
			if err := s.check(method, path, res, a.body); err != nil {
				h.t.Errorf("%s answered %d: %v\n%s", r.Pattern, a.status, err, a.body)
			}
		}
	}
	if a.status >= 400 && strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") {
		if err := s.validate(map[string]any{"$ref": "#/components/schemas/Problem"}, any(a.json), ""); err != nil {
			h.t.Errorf("the problem: %v\n%s", err, a.body)
		}
		if int(a.json["status"].(float64)) != a.status || a.text("request_id") != res.Header.Get("Request-Id") {
			h.t.Errorf("status or request id of the problem are not the answer's: %s", a.body)
		}
	}
	if res.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(res.Header.Get("Request-Id"), "req_") {
		h.t.Errorf("headers: %v", res.Header)
	}
}

// want fails unless the answer has this status and, if given, this problem code.
func (a answer) want(t testing.TB, status int, code string) {
	t.Helper()
	if a.status != status || code != "" && a.text("code") != code {
		t.Errorf("answered %d %s, want %d %s\n%s", a.status, a.text("code"), status, code, a.body)
	}
}

func (h *house) submit(key, body string) answer {
	h.t.Helper()
	return h.call(request{method: "POST", target: "/v1/payments", secret: h.shop, key: key, body: body})
}

func (h *house) get(target string) answer {
	h.t.Helper()
	return h.call(request{method: "GET", target: target, secret: h.shop})
}

// keyStore is an access.Store in memory.
type keyStore struct {
	mu   sync.Mutex
	keys []access.Key
	fail error
}

func (s *keyStore) PutKey(_ context.Context, k access.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(s.keys, k)
	return nil
}

func (s *keyStore) ListKeys(context.Context) ([]access.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]access.Key(nil), s.keys...), nil
}

func (s *keyStore) RevokeKey(_ context.Context, id string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.keys {
		if s.keys[i].ID == id {
			s.keys[i].Revoked = at
			return nil
		}
	}
	return access.ErrNoKey
}

func (s *keyStore) LookupKey(_ context.Context, hash [32]byte) (access.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return access.Key{}, s.fail
	}
	for _, k := range s.keys {
		if k.Hash == hash {
			return k, nil
		}
	}
	return access.Key{}, access.ErrNoKey
}

// lockedBuffer takes log lines from several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
