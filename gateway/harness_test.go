package gateway_test

import (
	"bytes"
	"context"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/gateway"
	"github.com/payonce/payonce/gateway/sandbox"
	"github.com/payonce/payonce/idempotency"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var installation = uuid.MustParse("6ba7b810-9dad-41d1-80b4-00c04fd430c8")

// testKey is put together so that no scanner takes it for a credential.
const testKey = "sk_" + "test_" + "payonce0000000000000000"

// rig is a gateway in front of a sandbox on a loopback port.
type rig struct {
	t     testing.TB
	box   *sandbox.Sandbox
	url   string
	s     *gateway.Stripe
	forms gateway.Forms
}

func newRig(t testing.TB, set ...func(*gateway.Config)) *rig {
	t.Helper()
	box, err := sandbox.Open(sandbox.Config{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	r := &rig{t: t, box: box, url: server.URL}
	r.s = r.gateway(set...)
	r.forms = r.s.Forms()
	t.Cleanup(func() {
		r.s.Close()
		server.CloseClientConnections()
		server.Close()
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *rig) gateway(set ...func(*gateway.Config)) *gateway.Stripe {
	r.t.Helper()
	return newGateway(r.t, r.url, set...)
}

func newGateway(t testing.TB, url string, set ...func(*gateway.Config)) *gateway.Stripe {
	t.Helper()
	c := gateway.Config{
		APIKey: gateway.NewSecret(testKey), BaseURL: url, Installation: installation, Timeout: 10 * time.Second,
	}
	for _, f := range set {
		f(&c)
	}
	s, err := gateway.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func (r *rig) faults(rules ...sandbox.Rule) {
	r.t.Helper()
	var refused error
	err := r.box.Do(func(core *sandbox.Stripe, now time.Time) {
		refused = core.SetFaults(sandbox.Plan{Seed: 1, Rules: rules}, now)
	})
	if err != nil || refused != nil {
		r.t.Fatal(err, refused)
	}
}

func (r *rig) charges(want int) {
	r.t.Helper()
	stats, err := r.box.Stats()
	if err != nil {
		r.t.Fatal(err)
	}
	if stats.Charges != want {
		r.t.Fatalf("%d charges at Stripe, want %d", stats.Charges, want)
	}
}

func (r *rig) do(c idempotency.Call) idempotency.Answer {
	r.t.Helper()
	return r.s.Do(r.t.(interface{ Context() context.Context }).Context(), c)
}

// want makes a call and checks its class.
func (r *rig) want(class idempotency.AnswerClass, c idempotency.Call) idempotency.Answer {
	r.t.Helper()
	a := r.do(c)
	if a.Class != class {
		r.t.Fatalf("%s: %s, want %s: %+v", c.Kind, a.Class, class, a)
	}
	return a
}

// record is a payment of 10.00 EUR by a card that pays.
func record(n byte, set ...func(*idempotency.Record)) idempotency.Record {
	p := &events.Payment{
		Amount: events.Money{Minor: 1000, Currency: "EUR"}, PaymentMethod: "pm_card_visa", Reference: "order-" + string('a'+rune(n)),
	}
	r := idempotency.Record{
		ID: events.ID{0: 0xaa, 15: n}, Tenant: "shop", Kind: "charge", Fingerprint: [32]byte{1, 2, 3, 31: n},
		Amount: p.Amount, Reference: p.Reference, Request: p,
	}
	for _, f := range set {
		f(&r)
	}
	return r
}

// by sets the payment method.
func by(method string) func(*idempotency.Record) {
	return func(r *idempotency.Record) { r.Request.PaymentMethod = method }
}

func base(kind idempotency.CallKind, r *idempotency.Record) idempotency.Call {
	return idempotency.Call{
		Kind: kind, Payment: r.ID, Tenant: r.Tenant, Amount: r.Amount, Reference: events.ReferenceToken(r.Tenant, r.Reference),
		Intent: r.Intent, APIVersion: gateway.APIVersion, Attempt: 1,
	}
}

func create(r idempotency.Record, key string) idempotency.Call {
	c := base(idempotency.CallCreate, &r)
	c.Key, c.Form = key, gateway.Forms{Installation: installation}.CreateForm(r)
	return c
}

func createConfirm(r idempotency.Record, key string) idempotency.Call {
	c := base(idempotency.CallCreateConfirm, &r)
	c.Key, c.Form = key, gateway.Forms{Installation: installation}.CreateConfirmForm(r)
	return c
}

func confirm(r idempotency.Record, intent, key string) idempotency.Call {
	c := base(idempotency.CallConfirm, &r)
	c.Intent, c.Key, c.Form = intent, key, gateway.Forms{Installation: installation}.ConfirmForm(r)
	return c
}

func retrieve(r idempotency.Record, intent string) idempotency.Call {
	c := base(idempotency.CallRetrieve, &r)
	c.Intent = intent
	return c
}

func cancel(r idempotency.Record, intent string) idempotency.Call {
	c := base(idempotency.CallCancel, &r)
	c.Intent = intent
	return c
}

// find looks an hour around now.
func find(r idempotency.Record) idempotency.Call {
	c := base(idempotency.CallFind, &r)
	now := idempotency.At(time.Now())
	c.From, c.To = now.Add(-time.Hour), now.Add(time.Hour)
	return c
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs (run with -update to accept)\n got: %s\nwant: %s", name, got, want)
	}
}

// lines is a log that a test can read.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func logTo(l *lines) func(*gateway.Config) {
	return func(c *gateway.Config) {
		c.Logger = slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
}

func within(d time.Duration) func(*gateway.Config) {
	return func(c *gateway.Config) { c.Timeout = d }
}

func over(t http.RoundTripper) func(*gateway.Config) {
	return func(c *gateway.Config) { c.Transport = t }
}
