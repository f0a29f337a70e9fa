package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/payonce/payonce/accept"
	"github.com/payonce/payonce/events"
)

func TestOverview(t *testing.T) {
	h := newHouse(t, func(c *Config) {
		c.Breakers = func() []Breaker {
			return []Breaker{{Name: "stripe"}, {Name: "credentials", Open: true, Until: start.Add(time.Minute)}}
		}
	})
	h.submit("a", plain)
	h.call(request{method: "POST", target: "/v1/payments", secret: h.other, key: "a", body: plain})
	a := h.get("/v1/overview")
	a.want(t, 200, "")
	for _, want := range []string{
		`"states":{"accepted":1,"processing":0,`, `"queue":{"visible":2,"in_flight":0,"delayed":0,"oldest_at":"2026-03-01T10:59:00.000Z","oldest_age_seconds":60}`,
		`"breakers":[{"name":"stripe","open":false},{"name":"credentials","open":true,"until":"2026-03-01T11:01:00.000Z"}]`,
		`"as_of":"2026-03-01T11:00:00.000Z"`,
	} {
		if !strings.Contains(string(a.body), want) {
			t.Errorf("lacks %s: %s", want, a.body)
		}
	}
	h.call(request{method: "GET", target: "/v1/overview"}).want(t, 401, "unauthenticated")
	h.ledger.Reads = func() error { return context.DeadlineExceeded }
	h.get("/v1/overview").want(t, 503, "unavailable")
}

func TestHealthAndReadiness(t *testing.T) {
	var broken error
	h := newHouse(t, func(c *Config) {
		c.Checks = []Check{{"store", func(context.Context) error { return broken }}}
	})
	open := func(target string) answer { return h.call(request{method: "GET", target: target}) }
	open("/healthz").want(t, 200, "")
	open("/readyz").want(t, 200, "")
	broken = errors.New("near " + testCard())
	a := open("/readyz")
	a.want(t, 503, "")
	if string(a.body) != `{"status":"unready","failing":["store"]}` || strings.Contains(h.logged.String(), testCard()) {
		t.Errorf("%s %s", a.body, h.logged)
	}
	broken = nil
	h.api.Drain()
	if a := open("/readyz"); a.status != 503 || !strings.Contains(string(a.body), "draining") {
		t.Errorf("%d %s", a.status, a.body)
	}
	open("/healthz").want(t, 200, "")
	h.submit("k1", plain).want(t, 202, "")
}

func TestMetrics(t *testing.T) {
	h := newHouse(t)
	h.call(request{method: "GET", target: "/metrics"}).want(t, 404, "not_found")

	h = newHouse(t)
	h.api.Metrics = promhttp.HandlerFor(h.metrics, promhttp.HandlerOpts{})
	h.submit("k1", plain)
	h.submit("k1", plain)
	h.submit("k1", ordered)
	h.submit("", plain)
	h.get("/nowhere/" + testCard())
	a := h.call(request{method: "GET", target: "/metrics"})
	a.want(t, 200, "")
	for _, want := range []string{
		`payonce_accepts_total{result="accepted"} 1`, `payonce_accepts_total{result="replayed"} 1`,
		`payonce_accepts_total{result="idempotency_key_reused"} 1`, `payonce_accepts_total{result="idempotency_key_missing"} 1`,
		`payonce_http_requests_total{method="POST",route="/v1/payments",status="202"} 2`,
		`payonce_http_requests_total{method="any",route="unmatched",status="404"} 1`,
		`payonce_http_request_duration_seconds_count{method="POST",route="/v1/payments"} 4`,
	} {
		if !strings.Contains(string(a.body), want) {
			t.Errorf("lacks %s", want)
		}
	}
	if strings.Contains(string(a.body), "shop") || strings.Contains(string(a.body), testCard()) {
		t.Error("the metrics name a tenant or repeat a request")
	}
	if problems, err := testutil.GatherAndLint(h.metrics); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	h := newHouse(t)
	for _, target := range []string{"/", "/v1", "/v1/payments/", "/v1//payments", "/v1/./payments", "/v2/payments?x=" + testCard(), "/" + testCard(), "/v1/payments/a/b"} {
		a := h.call(request{method: "GET", target: target, body: "x"})
		a.want(t, 404, "not_found")
		if strings.Contains(string(a.body)+h.logged.String(), testCard()) || a.header.Get("Location") != "" {
			t.Errorf("%s is repeated", target)
		}
	}
	for target, allow := range map[string]string{
		"/v1/payments": "GET, POST", "/v1/payments/x": "GET", "/v1/payments/cancel": "POST", "/v1/events": "GET", "/healthz": "GET",
	} {
		a := h.call(request{method: "DELETE", target: target, secret: h.shop})
		a.want(t, 405, "method_not_allowed")
		if got := a.header.Get("Allow"); got != allow {
			t.Errorf("%s allows %q, want %q", target, got, allow)
		}
	}
	h.call(request{method: "GET", target: "/v1/overview", secret: h.shop, body: "{}"}).want(t, 400, "invalid_request")
}

func TestAuthentication(t *testing.T) {
	h := newHouse(t)
	keys, err := h.keys.ListKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.get("/v1/overview").want(t, 200, "")
	if err := h.auth.Revoke(t.Context(), keys[0].ID); err != nil {
		t.Fatal(err)
	}
	// Each reason gets the same answer.
	strip := func(a answer) string { return strings.ReplaceAll(string(a.body), a.text("request_id"), "") }
	revoked := h.get("/v1/overview")
	for name, secret := range map[string]string{"missing": "", "malformed": "x", "unknown": h.shop[:len(h.shop)-1] + "_"} {
		a := h.call(request{method: "GET", target: "/v1/overview", secret: secret})
		a.want(t, 401, "unauthenticated")
		if strip(a) != strip(revoked) || a.header.Get("WWW-Authenticate") != `Bearer realm="payonce"` {
			t.Errorf("%s: %s %v", name, a.body, a.header)
		}
	}
	h.keys.fail = errors.New("disk")
	a := h.call(request{method: "GET", target: "/v1/overview", secret: h.other})
	a.want(t, 503, "unavailable")
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// panicking is a Desk that has a bug.
type panicking struct{}

func (panicking) Submit(context.Context, string, events.Key, []byte, string) (accept.Result, error) {
	panic("value " + testCard())
}

func (panicking) Cancel(context.Context, string, events.Key) (accept.Result, error) {
	panic(http.ErrAbortHandler)
}

func TestPanics(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Desk = panicking{} })
	h.submit("k1", plain).want(t, 500, "internal")
	if log := h.logged.String(); !strings.Contains(log, "panic in a handler") || strings.Contains(log, testCard()) {
		t.Errorf("log: %s", log)
	}
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Error("an abort does not pass")
		}
	}()
	h.call(request{method: "POST", target: "/v1/payments/cancel", secret: h.shop, key: "k1"})
}

func TestLogAllowList(t *testing.T) {
	h := newHouse(t)
	a := h.submit("key-anna@example.com", ordered)
	h.get("/v1/payments?reference=order-A1")
	log := h.logged.String()
	for _, secret := range []string{"anna@", "order-A1", h.shop, "pm_card_visa", "shop", "reference="} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q: %s", secret, log)
		}
	}
	for _, want := range []string{a.text("id"), `"route":"/v1/payments"`, `"method":"POST"`, `"status":202`, a.header.Get("Request-Id")} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q: %s", want, log)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("an empty config")
	}
	h := newHouse(t)
	c := h.api.Config
	if _, err := New(c); err == nil {
		t.Error("metrics registered twice")
	}
	c.Registerer, c.Random = nil, strings.NewReader("x")
	if _, err := New(c); err == nil {
		t.Error("no chance to draw from")
	}
}
