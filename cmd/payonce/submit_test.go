package main

import (
	"strings"
	"testing"

	"github.com/payonce/payonce/client"
)

// TestClientCommands goes through the commands that speak to the API, with their exit codes.
func TestClientCommands(t *testing.T) {
	r := dev(t, t.TempDir())
	cli := func(args ...string) result { t.Helper(); return payonce(t, r.environ, args...) }
	submit := func(key string, more ...string) result {
		t.Helper()
		return cli(append([]string{"submit", "--key", key, "--amount", "1999", "--currency", "eur", "--payment-method", "pm_card_visa"}, more...)...)
	}
	var paid client.Payment
	submit("k-1", "--reference", "order-1", "--metadata", "a=b", "--wait").want(t, exitOK)
	submit("k-1", "--reference", "order-1", "--metadata", "a=b", "--json").want(t, exitOK).json(t, &paid)
	if paid.State != client.StateSucceeded || paid.Metadata["a"] != "b" {
		t.Fatalf("got %+v", paid)
	}

	refused := submit("k-2", "--reference", "order-1").want(t, exitRefused)
	if !strings.Contains(refused.err, paid.ID) {
		t.Errorf("the refusal does not name the holder: %s", refused.err)
	}
	submit("k-1", "--reference", "another").want(t, exitRefused)
	cli("submit", "--key", "k-3", "--amount", "-1", "--currency", "eur", "--payment-method", "pm_card_visa").want(t, exitRefused)
	submit("bad key").want(t, exitUsage)

	if out := cli("payments", "get", paid.ID).want(t, exitOK).out; !strings.Contains(out, "succeeded") || !strings.Contains(out, "ending in 4242") {
		t.Error(out)
	}
	cli("payments", "get", "pay_"+strings.Repeat("0", 32)).want(t, exitNotFound)
	if out := cli("payments", "watch", paid.ID).want(t, exitOK).out; strings.Count(out, "\n") != 1 || !strings.Contains(out, "1999 EUR charged") {
		t.Error(out)
	}

	cli("cancel", "--key", "k-1").want(t, exitRefused)
	var canceled client.Payment
	cli("cancel", "--key", "never-submitted", "--json").want(t, exitOK).json(t, &canceled)
	if canceled.State != client.StateCanceled {
		t.Errorf("got %+v", canceled)
	}
	declined := cli("submit", "--key", "k-4", "--amount", "100", "--currency", "eur", "--payment-method", "pm_card_chargeDeclined", "--wait").want(t, exitOK)
	if !strings.Contains(declined.out, "failed") {
		t.Error(declined.out)
	}

	if out := cli("payments", "list", "--state", "succeeded").want(t, exitOK).out; strings.Count(out, "pay_") != 1 {
		t.Error(out)
	}
	if out := cli("payments", "list", "--limit", "0", "--json").want(t, exitOK).out; strings.Count(out, "\n") != 3 {
		t.Error(out)
	}
	if out := cli("payments", "list", "--attention", "--created-after", "1h").want(t, exitOK).out; strings.Contains(out, "pay_") {
		t.Error(out)
	}
	all := cli("events", "--json").want(t, exitOK)
	if strings.Count(all.out, "\n") != 2 || !strings.Contains(all.err, "next: --after ") {
		t.Errorf("events: %s%s", all.out, all.err)
	}
	after := strings.Fields(strings.TrimSpace(all.err))
	if out := cli("events", "--after", after[len(after)-1]).want(t, exitOK).out; out != "" {
		t.Errorf("events after the last: %s", out)
	}
	if out := cli("events", "--limit", "1").want(t, exitOK).out; strings.Count(out, "\n") != 1 {
		t.Error(out)
	}
	var o client.Overview
	cli("overview", "--json").want(t, exitOK).json(t, &o)
	if o.States["succeeded"] != 1 || o.States["failed"] != 1 {
		t.Errorf("got %+v", o)
	}
	cli("overview").want(t, exitOK)
}

// TestUndecided: nobody answers.
func TestUndecided(t *testing.T) {
	env := []string{"PAYONCE_URL=http://127.0.0.1:1", "PAYONCE_API_KEY=po_x"}
	r := payonce(t, env, "submit", "--timeout", "10ms", "--key", "k", "--amount", "1", "--currency", "eur", "--payment-method", "pm_x").want(t, exitUndecided)
	if !strings.Contains(r.err, "same key") {
		t.Error(r.err)
	}
	payonce(t, env, "payments", "get", "--timeout", "10ms", "pay_"+strings.Repeat("0", 32)).want(t, exitError)
}
