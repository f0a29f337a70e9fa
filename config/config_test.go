package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/payonce/payonce/config"
)

// Keys in Stripe's form that open nothing, built so that no scanner takes them for real ones.
var (
	testKey = "sk_" + "test_" + strings.Repeat("a1", 12)
	liveKey = "sk_" + "live_" + strings.Repeat("b2", 12)
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "payonce.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, environ []string, args ...string) (*config.Loaded, error) {
	t.Helper()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(fs, config.Dev, config.Client)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return config.Load(config.Sources{Flags: fs, Environ: environ})
}

func TestDefaultsAreValidAndAllFieldsAreDocumented(t *testing.T) {
	l, err := load(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if l.Listen != "127.0.0.1:8080" || l.StripeTimeout != 30*time.Second || l.Workers != 64 || l.OneStepTenants != nil {
		t.Errorf("defaults: %+v", l.Settings)
	}
	if got, want := len(config.Fields()), reflect.TypeFor[config.Settings]().NumField(); got != want {
		t.Errorf("%d fields, want %d", got, want)
	}
	for _, f := range config.Fields() {
		if f.Name == "" || f.Help == "" || f.For == "" {
			t.Errorf("undocumented: %+v", f)
		}
		if l.Given(f.Name) {
			t.Errorf("%s was not given", f.Name)
		}
	}
}

func TestLayersWinInOrder(t *testing.T) {
	file := write(t, "workers: 2\nlisten: 127.0.0.1:2\ndata: /two\none_step_tenants: [a, b]\n")
	l, err := load(t, []string{
		config.FileEnv + "=" + file, "PAYONCE_WORKERS=3", "PAYONCE_LISTEN=127.0.0.1:3", "STRIPE_API_KEY=" + testKey,
		"PAYONCE_WROKERS=9", "PAYONCE_DATA=", "HOME=/root",
	}, "--workers", "4")
	if err != nil {
		t.Fatal(err)
	}
	if l.Workers != 4 || l.Listen != "127.0.0.1:3" || l.Data != "/two" || len(l.OneStepTenants) != 2 || l.StripeAPIKey.Reveal() != testKey {
		t.Errorf("got %+v", l.Settings)
	}
	for name, want := range map[string]string{
		"workers": "flag --workers", "listen": "environment PAYONCE_LISTEN", "data": "file " + file,
		"stripe_api_key": "environment STRIPE_API_KEY", "lease": "default",
	} {
		if got := l.Origin(name); got != want {
			t.Errorf("origin of %s: %q, want %q", name, got, want)
		}
	}
	if len(l.Ignored) != 1 || l.Ignored[0] != "PAYONCE_WROKERS" {
		t.Errorf("ignored: %v", l.Ignored)
	}
}

func TestTheOwnVariableWinsOverTheAlias(t *testing.T) {
	own := testKey + "own"
	l, err := load(t, []string{"PAYONCE_STRIPE_API_KEY=" + own, "STRIPE_API_KEY=" + testKey})
	if err != nil || l.StripeAPIKey.Reveal() != own {
		t.Fatalf("got another key, %v", err)
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name, file string
		environ    []string
		args       []string
		want       []string // parts of the error
	}{
		{name: "unknown key in the file", file: "lissten: x\n", want: []string{`"lissten"`, "payonce config"}},
		{name: "duplicate key", file: "workers: 1\nworkers: 2\n", want: []string{"once per name"}},
		{name: "no YAML", file: "{", want: []string{"YAML"}},
		{name: "missing file", args: []string{"--config", "/does/not/exist.yaml"}, want: []string{"does not exist"}},
		{name: "a map", file: "workers: {a: 1}\n", want: []string{"workers"}},
		{name: "no value", file: "workers:\n", want: []string{"workers", "no value"}},
		{name: "no number", args: []string{"--workers", "many"}, want: []string{"workers", "flag --workers", "whole number"}},
		{name: "no duration", environ: []string{"PAYONCE_LEASE=90"}, want: []string{"lease", "PAYONCE_LEASE", "30s"}},
		{name: "list for one", file: "listen: [a]\n", want: []string{"listen", "list"}},
		{name: "visibility", args: []string{"--visibility", "20s"}, want: []string{"visibility", "stripe_timeout"}},
		{name: "lease", args: []string{"--lease", "35s"}, want: []string{"lease", "40s"}},
		{name: "attempts", args: []string{"--max-attempts", "14"}, want: []string{"max_attempts", "1 to 13"}},
		{name: "listen", args: []string{"--listen", "8080"}, want: []string{"listen", "host:port"}},
		{name: "mode", args: []string{"--charge-mode", "three"}, want: []string{"charge_mode"}},
		{name: "tenant", args: []string{"--one-step-tenants", "UP"}, want: []string{"one_step_tenants"}},
		{name: "level", args: []string{"--log-level", "loud"}, want: []string{"log_level"}},
		{name: "engine", args: []string{"--engine", "paper"}, want: []string{"engine"}},
		{name: "live key elsewhere", environ: []string{"STRIPE_API_KEY=" + liveKey}, args: []string{"--stripe-url", "http://127.0.0.1:1"}, want: []string{"stripe_url", "live key"}},
		{name: "live key without TLS", environ: []string{"STRIPE_API_KEY=" + liveKey}, args: []string{"--stripe-url", "http://api.stripe.com"}, want: []string{"stripe_url"}},
		{name: "live key at a look-alike", environ: []string{"STRIPE_API_KEY=" + liveKey}, args: []string{"--stripe-url", "https://api.stripe.com.example.org"}, want: []string{"stripe_url"}},
		{name: "no key at all", environ: []string{"STRIPE_API_KEY=pk_test_1"}, want: []string{"stripe_api_key"}},
		{name: "user in URL", args: []string{"--stripe-url", "https://a:b@api.stripe.com"}, want: []string{"stripe_url"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.file != "" {
				tt.args = append(tt.args, "--config", write(t, tt.file))
			}
			_, err := load(t, tt.environ, tt.args...)
			if !errors.Is(err, config.ErrSetting) {
				t.Fatalf("got %v, want ErrSetting", err)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not name %q", err, part)
				}
			}
			if strings.Contains(err.Error(), liveKey) {
				t.Error("the error shows a key")
			}
		})
	}
}

func TestALiveKeyGoesToStripe(t *testing.T) {
	if _, err := load(t, []string{"STRIPE_API_KEY=" + liveKey}); err != nil {
		t.Fatal(err)
	}
}

func TestSecretsHideThemselves(t *testing.T) {
	l, err := load(t, []string{"STRIPE_API_KEY=" + testKey, "PAYONCE_API_KEY=po_secret", "PAYONCE_DEV_KEY=po_secret"})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := l.WriteYAML(&b); err != nil {
		t.Fatal(err)
	}
	entries, err := json.Marshal(l.Entries())
	if err != nil {
		t.Fatal(err)
	}
	b.Write(entries)
	fmt.Fprintf(&b, "%v %+v %#v %s", l.Settings, l.Settings, l.Settings, l.StripeAPIKey)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("settings", slog.Any("all", l.Settings), slog.Any("key", l.StripeAPIKey))
	for _, secret := range []string{testKey, "po_secret"} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("a secret shows in %s", b.String())
		}
	}
	if !strings.Contains(b.String(), "[hidden]") {
		t.Error("that there is a key does not show")
	}
}

func TestThePrintedYAMLIsReadAlike(t *testing.T) {
	first, err := load(t, nil, "--one-step-tenants", "a,b", "--stripe-rate", "0.5", "--data", `./a "b"`)
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	if err := first.WriteYAML(&printed); err != nil {
		t.Fatal(err)
	}
	second, err := load(t, nil, "--config", write(t, printed.String()))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, printed.String())
	}
	if !reflect.DeepEqual(first.Settings, second.Settings) {
		t.Errorf("got %+v, want %+v", second.Settings, first.Settings)
	}
}
