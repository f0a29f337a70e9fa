package sandbox

import (
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const testKey = "Bearer sk_test_shop"

// bench is a core with a clock that the test moves.
type bench struct {
	t    testing.TB
	core *Stripe
	now  time.Time
}

func newBench(t testing.TB, o Options) *bench {
	t.Helper()
	core, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t: t, core: core, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

// form turns "a=b&metadata[x]=y z" into an encoded body.
func form(plain string) string {
	if plain == "" {
		return ""
	}
	var out []string
	for _, f := range strings.Split(plain, "&") {
		name, value, _ := strings.Cut(f, "=")
		out = append(out, url.QueryEscape(name)+"="+url.QueryEscape(value))
	}
	return strings.Join(out, "&")
}

func post(path, params, key string) Request {
	return Request{Method: "POST", Path: path, Body: form(params), IdempotencyKey: key, Authorization: testKey}
}

func get(path, query string) Request {
	return Request{Method: "GET", Path: path, Query: form(query), Authorization: testKey}
}

// object is a decoded answer.
type object map[string]any

func (o object) at(path string) any {
	var v any = map[string]any(o)
	for _, name := range strings.Split(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

func (o object) text(path string) string { s, _ := o.at(path).(string); return s }

func decode(t testing.TB, body []byte) object {
	t.Helper()
	var o object
	if err := json.Unmarshal(body, &o); err != nil {
		t.Fatalf("answer is not JSON: %v\n%s", err, body)
	}
	return o
}

func (b *bench) do(r Request, f Fault) Response {
	b.t.Helper()
	return b.core.Handle(r, b.now, f)
}

// want does a request and checks its status.
func (b *bench) want(status int, r Request) object {
	b.t.Helper()
	resp := b.do(r, Fault{})
	if resp.Status != status {
		b.t.Fatalf("%s %s: status %d, want %d\n%s", r.Method, r.Path, resp.Status, status, resp.Body)
	}
	return decode(b.t, resp.Body)
}

const (
	create   = "/v1/payment_intents"
	cardOnly = "amount=1000&currency=eur&payment_method_types[]=card"
	ours     = cardOnly + "&metadata[payonce_id]=pay_00000000000000000000000000000001&metadata[payonce_tenant]=t1&metadata[payonce_reference]=aa"
)

// intent creates an unconfirmed intent and gives its id.
func (b *bench) intent(params string) string {
	b.t.Helper()
	return b.want(200, post(create, params, "")).text("id")
}

func confirmOf(id, method, key string) Request {
	return post(create+"/"+id+"/confirm", "payment_method="+method, key)
}

func (b *bench) status(id string) string {
	b.t.Helper()
	return b.want(200, get(create+"/"+id, "")).text("status")
}

func (b *bench) charges(want int) {
	b.t.Helper()
	if got := b.core.Stats(b.now).Charges; got != want {
		b.t.Fatalf("%d charges, want %d", got, want)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
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
	if string(want) != string(got) {
		t.Errorf("%s differs (run with -update to accept)\n got: %s\nwant: %s", name, got, want)
	}
}
