package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/payonce/payonce/client"
	"github.com/payonce/payonce/gateway"
	"github.com/payonce/payonce/idempotency"
)

// TestBackupAndRestore: a backup is taken, more is charged, the backup is restored elsewhere, the stand-in forgets its
// keys, and everything is submitted again: nothing is charged twice.
func TestBackupAndRestore(t *testing.T) {
	old := t.TempDir()
	r := dev(t, old)
	r.final("k-1", visa("order-1"))
	backup := filepath.Join(t.TempDir(), "backup.db")
	payonce(t, r.environ, "backup", backup).want(t, exitOK)
	payonce(t, r.environ, "backup", backup).want(t, exitRefused)
	forgotten := r.final("k-2", visa("order-2"))
	stripe := keep(t, old, r)

	data := filepath.Join(t.TempDir(), "restored")
	payonce(t, nil, "restore", backup, "--data", old).want(t, exitRefused)
	payonce(t, nil, "restore", backup+".none", "--data", data).want(t, exitNotFound)
	if out := payonce(t, nil, "restore", backup, "--data", data).want(t, exitOK).out; !strings.Contains(out, data) {
		t.Error(out)
	}
	if err := os.WriteFile(filepath.Join(data, devKeyFile), []byte(stripe.key), 0o600); err != nil {
		t.Fatal(err)
	}
	r = run(t, nil, "dev", "--data", data, "--listen", "127.0.0.1:0", "--stripe-url", stripe.url)
	if r.server.gate.current() == nil {
		t.Error("the gate is not open")
	}
	for key, order := range map[string]string{"k-1": "order-1", "k-2": "order-2"} {
		if p := r.final(key, visa(order)); p.State != client.StateSucceeded || key == "k-2" && p.Stripe.Charge != forgotten.Stripe.Charge {
			t.Errorf("%s: %+v", key, p)
		}
	}
	if s := r.stats(); s.Charges != 2 || s.PerPayment.Max != 1 || s.PerReference.Max != 1 {
		t.Errorf("charges: %+v", s)
	}
	payonce(t, r.environ, "check", "--sandbox", stripe.url).want(t, exitOK)
}

// standIn is a stand-in that outlives a server.
type standIn struct{ url, key string }

// keep stops a server and serves its stand-in's journal on, with all idempotency keys forgotten.
func keep(t *testing.T, data string, r *running) standIn {
	t.Helper()
	key := readDevKey(data)
	if code := r.stop(); code != exitOK {
		t.Fatal(code)
	}
	host, err := hostSandbox(t.Context(), "127.0.0.1:0", sandboxAt(filepath.Join(data, sandboxJournal)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.close() })
	if err := host.sandbox.Do(forget); err != nil {
		t.Fatal(err)
	}
	return standIn{url: host.url(), key: key}
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	r := dev(t, t.TempDir())
	p := r.final("k", visa("order"))
	payonce(t, r.environ, "check").want(t, exitOK)
	// A stand-in that knows of nothing: the payment was never charged there.
	host, err := hostSandbox(t.Context(), "127.0.0.1:0", sandboxAt(""))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = host.close() }()
	if out := payonce(t, r.environ, "check", "--sandbox", host.url()).want(t, exitProblems); !strings.Contains(out.out, p.ID) {
		t.Error(out.out)
	}
	var found checked
	payonce(t, r.environ, "check", "--sandbox", host.url(), "--json").want(t, exitProblems).json(t, &found)
	if len(found.Findings) != 1 || found.Findings[0].ID != p.ID || found.Records != 1 {
		t.Errorf("got %+v", found)
	}
	payonce(t, nil, "check", "--data", t.TempDir()).want(t, exitNotFound)
}

func TestDoctor(t *testing.T) {
	r := dev(t, t.TempDir())
	env := append(r.environ, "PAYONCE_STRIPE_URL="+r.server.settings.StripeURL, "STRIPE_API_KEY="+sandboxKey, "PAYONCE_TYPO=1")
	var out struct {
		Healthy      bool
		Examinations []examination
	}
	payonce(t, env, "doctor", "--json").want(t, exitOK).json(t, &out)
	by := map[string]verdict{}
	for _, e := range out.Examinations {
		by[e.Name] = e.Verdict
		if e.Verdict != verdictOK && e.Remedy == "" {
			t.Errorf("no remedy: %+v", e)
		}
	}
	if !out.Healthy || by["settings"] != verdictWarn || by["Stripe"] != verdictOK || by["clock"] != verdictOK || by["lock"] != verdictOK || by["file"] != verdictOK {
		t.Errorf("got %+v", out.Examinations)
	}

	down := []string{"PAYONCE_STRIPE_URL=http://127.0.0.1:1", "STRIPE_API_KEY=" + sandboxKey, "PAYONCE_DATA=" + t.TempDir()}
	if out := payonce(t, down, "doctor").want(t, exitProblems).out; !strings.Contains(out, "does not answer") || !strings.Contains(out, "->") {
		t.Error(out)
	}
	payonce(t, nil, "doctor", "--lease", "1s").want(t, exitProblems)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	payonce(t, nil, "doctor", "--data", file).want(t, exitProblems)
}

func TestDoctorsJudgement(t *testing.T) {
	same := func(d time.Duration) []time.Duration {
		all := make([]time.Duration, 40)
		for i := range all {
			all[i] = d
		}
		return all
	}
	for d, want := range map[time.Duration]verdict{time.Microsecond: verdictWarn, time.Millisecond: verdictOK, time.Second: verdictWarn} {
		if got := judgeSync(same(d)).Verdict; got != want {
			t.Errorf("a sync of %s: %s, want %s", d, got, want)
		}
	}
	healthy := gateway.Health{Reachable: true, Accepted: true, SkewKnown: true, Class: idempotency.AnswerIntent}
	tests := map[string]struct {
		change func(*gateway.Health)
		want   verdict // the worst
	}{
		"healthy":      {func(*gateway.Health) {}, verdictOK},
		"unreachable":  {func(h *gateway.Health) { h.Reachable = false }, verdictFail},
		"refused":      {func(h *gateway.Health) { h.Accepted = false }, verdictFail},
		"no date":      {func(h *gateway.Health) { h.SkewKnown = false }, verdictWarn},
		"a bit ahead":  {func(h *gateway.Health) { h.Skew = 5 * time.Second }, verdictWarn},
		"an hour back": {func(h *gateway.Health) { h.Skew = -time.Hour }, verdictFail},
	}
	for name, tt := range tests {
		h := healthy
		tt.change(&h)
		worst := verdictOK
		for _, e := range judgeStripe(h, "https://stripe.example") {
			if e.Verdict == verdictFail || e.Verdict == verdictWarn && worst == verdictOK {
				worst = e.Verdict
			}
		}
		if worst != tt.want {
			t.Errorf("%s: %s, want %s", name, worst, tt.want)
		}
	}
}
