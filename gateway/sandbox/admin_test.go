package sandbox

import (
	"bufio"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestAdmin(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	s := newSite(t, Config{Clock: func() time.Time { return now }})
	made, _ := s.ok("POST", create, form(ours), "k1")
	id := made.text("id")
	s.ok("POST", create+"/"+id+"/confirm", form("payment_method=pm_card_authenticationRequired"), "k2")
	s.ok("POST", "/_sandbox/payment_intents/"+id+"/complete_action", `{"outcome":"passed"}`, "")
	slow, _ := s.ok("POST", create, form(cardOnly+"&confirm=true&payment_method=pm_sandbox_processing"), "")
	s.ok("POST", "/_sandbox/payment_intents/"+slow.text("id")+"/settle", `{"outcome":"succeeded"}`, "")
	s.ok("POST", "/_sandbox/clock", `{"advance_ms":60000}`, "")
	s.ok("POST", "/_sandbox/forget", "", "")
	stats, _ := s.ok("GET", "/_sandbox/stats", "", "")
	for path, want := range map[string]any{
		"charges": 2.0, "charges_per_payment.max": 1.0, "charges_per_reference.max": 1.0, "unattributed": 1.0, "sums.eur": 2000.0,
		"payment_intents.succeeded": 2.0, "requests.create": 2.0, "requests.confirm": 1.0, "keys": 0.0, "clock_ms": 1_800_000_060_000.0,
	} {
		if got := stats.at(path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	s.ok("POST", "/_sandbox/faults", `{"seed":9,"rules":[{"kind":"latency","rate":0.5,"delay_ms":5}]}`, "")
	if plan, _ := s.ok("GET", "/_sandbox/faults", "", ""); plan.at("seed") != 9.0 {
		t.Errorf("%v", plan)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/_sandbox/faults", `{"rules":[{"kind":"gremlins"}]}`, 400},
		{"POST", "/_sandbox/faults", `{"rulez":[]}`, 400},
		{"POST", "/_sandbox/faults", `{`, 400},
		{"POST", "/_sandbox/clock", `{"advance_ms":-1}`, 400},
		{"POST", "/_sandbox/clock", `{"advance_ms":9000000000000000}`, 400},
		{"POST", "/_sandbox/payment_intents/pi_none/settle", `{"outcome":"failed"}`, 404},
		{"POST", "/_sandbox/payment_intents/" + id + "/settle", `{"outcome":"failed"}`, 409},
		{"POST", "/_sandbox/payment_intents/" + id + "/settle", `{"outcome":"maybe"}`, 400},
		{"GET", "/_sandbox/charges?after=x", "", 400},
		{"GET", "/_sandbox/charges?limit=-1", "", 400},
		{"GET", "/_sandbox/none", "", 404},
		{"GET", "/_sandbox/forget", "", 404},
	} {
		resp, err := s.send(c.method, c.path, c.body, "")
		if err != nil || resp.status != c.status {
			t.Errorf("%s %s: %v %v %s", c.method, c.path, resp.status, err, resp.text)
		}
	}
}

func TestChargesStream(t *testing.T) {
	s := newSite(t, Config{})
	const n = 1003 // more than one batch
	if err := s.box.Do(func(core *Stripe, now time.Time) {
		for k := range n {
			core.Handle(post(create, cardOnly+"&confirm=true&payment_method=pm_card_visa&metadata[n]="+strconv.Itoa(k), ""), now, Fault{})
		}
	}); err != nil {
		t.Fatal(err)
	}
	lines := func(query string) (out []object) {
		resp, err := s.send("GET", "/_sandbox/charges"+query, "", "")
		if err != nil || resp.header.Get("Content-Type") != "application/x-ndjson" {
			t.Fatal(err, resp.header)
		}
		for in := bufio.NewScanner(strings.NewReader(resp.text)); in.Scan(); {
			out = append(out, decode(t, in.Bytes()))
		}
		return out
	}
	all := lines("")
	if len(all) != n || all[n-1].at("n") != float64(n) || all[n-1].text("metadata.n") != strconv.Itoa(n-1) {
		t.Errorf("%d lines", len(all))
	}
	if some := lines("?after=1000&limit=2"); len(some) != 2 || some[0].at("n") != 1001.0 {
		t.Errorf("%v", some)
	}
}
