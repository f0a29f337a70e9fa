package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/payonce/payonce/client"
	"github.com/payonce/payonce/gateway/sandbox"
)

// TestTheWholeProgram: a payment is submitted and succeeds, the program stops and starts again, the payment is there,
// and its key still answers.
func TestTheWholeProgram(t *testing.T) {
	data := t.TempDir()
	r := dev(t, data)
	paid := r.final("k-1", visa("order-1"))
	if paid.State != client.StateSucceeded || paid.AmountCaptured != 1999 || paid.Stripe.Charge == "" || paid.Card.Last4 != "4242" {
		t.Fatalf("got %+v", paid)
	}
	key := readDevKey(data)
	if code := r.stop(); code != exitOK {
		t.Fatalf("stopped with %d: %s", code, r.errs)
	}

	r = dev(t, data)
	if readDevKey(data) != key {
		t.Error("the development key changed")
	}
	again, err := r.client().Get(t.Context(), paid.ID)
	if err != nil || again.State != client.StateSucceeded || again.Stripe.Charge != paid.Stripe.Charge {
		t.Fatalf("after the restart: %+v, %v", again, err)
	}
	repeated, err := r.client().Submit(t.Context(), "k-1", visa("order-1"))
	if err != nil || repeated.ID != paid.ID || repeated.State != client.StateSucceeded {
		t.Fatalf("the repeat: %+v, %v", repeated, err)
	}
	stats := r.stats()
	if stats.Charges != 1 || stats.PerPayment.Max != 1 {
		t.Errorf("charges: %+v", stats)
	}
	if code := r.stop(); code != exitOK {
		t.Errorf("stopped with %d", code)
	}
	payonce(t, nil, "check", "--data", data).want(t, exitOK)
}

// stats asks the stand-in.
func (r *running) stats() sandbox.Stats {
	r.t.Helper()
	var s sandbox.Stats
	getJSON(r.t, r.server.settings.StripeURL+"/_sandbox/stats", &s)
	return s
}

// TestTheWelcomeWorks runs what the printed curl line says.
func TestTheWelcomeWorks(t *testing.T) {
	r := dev(t, t.TempDir())
	line := regexp.MustCompile(`curl -s (\S+) -H '([^:]+): ([^']+)' -H '([^:]+): ([^']+)' -H '([^:]+): ([^']+)' -d '([^']+)'`).FindStringSubmatch(r.out.String())
	if line == nil {
		t.Fatalf("no curl line in %s", r.out)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, line[1], strings.NewReader(line[8]))
	if err != nil {
		t.Fatal(err)
	}
	for i := 2; i < 8; i += 2 {
		req.Header.Set(line[i], line[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusAccepted {
		t.Errorf("%s, %v", resp.Status, err)
	}
	if !strings.Contains(r.out.String(), r.server.settings.StripeURL+"/_sandbox/stats") {
		t.Error("the address of the count is not printed")
	}
}

func TestASecondServerOnTheFolderIsRefused(t *testing.T) {
	data := t.TempDir()
	r := dev(t, data)
	second, code := tryRun(t, []string{"STRIPE_API_KEY=sk_test_x"}, "serve", "--data", data, "--listen", "127.0.0.1:0", "--stripe-url", r.server.settings.StripeURL)
	if code != exitError || !strings.Contains(second.errs.String(), data) {
		t.Errorf("code %d: %s", code, second.errs)
	}
	if _, err := os.Stat(socketOf(data)); err != nil {
		t.Errorf("the refused server took the socket away: %v", err)
	}
	if got := r.final("k", visa("")); got.State != client.StateSucceeded {
		t.Errorf("the first server: %+v", got)
	}
}

func TestATakenAddressIsAnErrorAndLetsGoOfTheFolder(t *testing.T) {
	r := dev(t, t.TempDir())
	data := t.TempDir()
	args := []string{"serve", "--data", data, "--stripe-url", r.server.settings.StripeURL, "--listen"}
	second, code := tryRun(t, []string{"STRIPE_API_KEY=sk_test_x"}, append(args, r.server.listener.Addr().String())...)
	if code != exitError || !strings.Contains(second.errs.String(), "--listen") {
		t.Errorf("code %d: %s", code, second.errs)
	}
	run(t, []string{"STRIPE_API_KEY=sk_test_x"}, append(args, "127.0.0.1:0")...)
}

func TestServeWantsAKey(t *testing.T) {
	if r := payonce(t, nil, "serve", "--data", t.TempDir()).want(t, exitUsage); !strings.Contains(r.err, "STRIPE_API_KEY") {
		t.Error(r.err)
	}
}

func TestDevRefusesALiveKey(t *testing.T) {
	live := "sk_" + "live_" + strings.Repeat("a", 24)
	r := payonce(t, []string{"STRIPE_API_KEY=" + live}, "dev", "--data", t.TempDir()).want(t, exitUsage)
	if strings.Contains(r.err, live) || !strings.Contains(r.err, "live key") {
		t.Error(r.err)
	}
}

// TestStopDrains: a stop that comes while Stripe has a payment in hand waits for its answer; nothing is left in
// flight, and the answer is stored.
func TestStopDrains(t *testing.T) {
	data := t.TempDir()
	asked, answer := make(chan struct{}), make(chan struct{})
	box, err := sandbox.Open(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = box.Close() }()
	first := true
	url := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if first && strings.HasSuffix(r.URL.Path, "/confirm") {
			first = false
			close(asked)
			<-answer
		}
		box.Handler().ServeHTTP(w, r)
	}))
	r := run(t, nil, "dev", "--data", data, "--listen", "127.0.0.1:0", "--stripe-url", url)
	p, err := r.client().Submit(t.Context(), "k", visa("order"))
	if err != nil {
		t.Fatal(err)
	}
	<-asked
	r.cancel()                   // the signal
	<-r.server.workersCtx.Done() // no further work is begun
	close(answer)
	if code := r.stop(); code != exitOK {
		t.Fatalf("stopped with %d: %s", code, r.errs)
	}
	if _, err := os.Stat(filepath.Join(data, adminSocket)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the admin socket is still there: %v", err)
	}
	r = run(t, nil, "dev", "--data", data, "--listen", "127.0.0.1:0", "--stripe-url", url)
	got, err := r.client().Get(t.Context(), p.ID)
	if err != nil || got.State != client.StateSucceeded || got.Attempts != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestHealthAndMetrics(t *testing.T) {
	r := dev(t, t.TempDir())
	r.final("k", visa("order"))
	for path, want := range map[string]string{
		"/healthz": `"ok"`, "/readyz": `"ok"`, "/metrics": "payonce_accepts_total",
	} {
		if body := getText(t, r.server.url()+path); !strings.Contains(body, want) {
			t.Errorf("%s: %s", path, body)
		}
	}
	if strings.Contains(getText(t, r.server.url()+"/metrics"), devTenant+`"`) {
		t.Error("a metric carries a tenant")
	}
}

// TestNothingSecretIsLogged searches all that a run has written to its log.
func TestNothingSecretIsLogged(t *testing.T) {
	r := dev(t, t.TempDir(), "--log-level", "debug")
	card := strings.Repeat("42", 8)
	bad := visa("order")
	bad.Description = "card " + card
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := r.client().Submit(ctx, "k-"+card, bad); err == nil {
		t.Error("a card number was accepted")
	}
	r.final("key-of-someone@example.org", visa("order"))
	secret := readDevKey(r.data)
	r.stop()
	for what, planted := range map[string]string{
		"card number": card, "API key": secret, "idempotency key": "someone@example.org", "Stripe key": sandboxKey, "client secret": "_secret_",
	} {
		if strings.Contains(r.errs.String(), planted) {
			t.Errorf("the log shows a %s", what)
		}
	}
	for _, file := range []string{"payonce.db", "payonce.db-wal", sandboxJournal} {
		b, err := os.ReadFile(filepath.Join(r.data, file))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		for what, planted := range map[string]string{"card number": card, "API key": secret, "idempotency key": "someone@example.org"} {
			if strings.Contains(string(b), planted) {
				t.Errorf("%s holds a %s", file, what)
			}
		}
	}
}
