package gateway_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/payonce/payonce/gateway"
	"github.com/payonce/payonce/idempotency"
)

func TestConfig(t *testing.T) {
	const (
		live       = "sk_" + "live_x"
		restricted = "rk_" + "live_x"
		other      = "something_else"
	)
	for _, c := range []struct {
		key, url string
		ok       bool
	}{
		{testKey, "", true},
		{testKey, "http://10.1.2.3:12111", true},
		{testKey, "https://stripe-mock.internal/", true},
		{"rk_" + "test_x", "http://127.0.0.1:1", true},
		{live, "", true},
		{live, "https://api.stripe.com", true},
		{live, "https://API.stripe.com:443/", true},
		{restricted, "https://api.stripe.com", true},
		{live, "http://api.stripe.com", false},
		{live, "https://api.stripe.com:8443", false},
		{live, "https://api.stripe.com.evil.example", false},
		{live, "https://api.stripe.com@evil.example", false},
		{live, "http://127.0.0.1:12111", false},
		{restricted, "http://localhost:12111", false},
		{other, "https://api.stripe.com", true},
		{other, "http://127.0.0.1:12111", true},
		{other, "http://[::1]:12111", true},
		{other, "http://localhost:12111", true},
		{other, "http://10.1.2.3:12111", false},
		{other, "https://stripe.example", false},
		{"", "", false},
		{"pk_" + "test_x", "", false},
		{testKey + "\n", "", false},
		{testKey, "ftp://127.0.0.1", false},
		{testKey, "http://user:pass@127.0.0.1", false},
		{testKey, "http://127.0.0.1/v1", false},
		{testKey, "http://127.0.0.1?x=y", false},
		{testKey, "127.0.0.1:12111", false},
		{testKey, "http://", false},
		{testKey, "http://%zz", false},
	} {
		s, err := gateway.New(gateway.Config{APIKey: gateway.NewSecret(c.key), BaseURL: c.url, Installation: installation})
		if c.ok != (err == nil) {
			t.Errorf("%s to %q: %v", c.key, c.url, err)
		}
		if err != nil && (!errors.Is(err, gateway.ErrConfig) || c.key != "" && strings.Contains(err.Error(), c.key) || strings.Contains(err.Error(), "pass")) {
			t.Errorf("error says too much or too little: %v", err)
		}
		if err == nil && s.Live() != strings.Contains(c.key, "live_") {
			t.Errorf("%s: live %v", c.key, s.Live())
		}
	}
	for name, spoil := range map[string]func(*gateway.Config){
		"no installation":  func(c *gateway.Config) { c.Installation = uuid.Nil },
		"negative timeout": func(c *gateway.Config) { c.Timeout = -1 },
		"negative rate":    func(c *gateway.Config) { c.RatePerSecond = -1 },
		"negative reads":   func(c *gateway.Config) { c.ReadsPerSecond = -1 },
		"negative find":    func(c *gateway.Config) { c.FindTimeout = -1 },
	} {
		c := gateway.Config{APIKey: gateway.NewSecret(testKey), Installation: installation}
		spoil(&c)
		if _, err := gateway.New(c); !errors.Is(err, gateway.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecretHides(t *testing.T) {
	const value = "sk_" + "test_do_not_show"
	secret := gateway.NewSecret(value)
	type outer struct {
		Shown  gateway.Secret
		hidden gateway.Secret
		Map    map[string]gateway.Secret
	}
	o := outer{secret, secret, map[string]gateway.Secret{"a": secret}}
	log := &lines{}
	c := gateway.Config{}
	logTo(log)(&c)
	c.Logger.Info("x", "secret", secret, "outer", o, "config", fmt.Sprintf("%+v", gateway.Config{APIKey: secret}))
	encoded, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	fmt.Fprintln(&shown, log, string(encoded), secret, &secret, o, &o, o.hidden)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s"} {
		fmt.Fprintf(&shown, verb, secret)
		fmt.Fprintf(&shown, verb, o)
	}
	all := shown.String()
	if strings.Contains(all, "do_not_show") || strings.Contains(all, fmt.Sprintf("%x", "do_not_show")) {
		t.Error(all)
	}
	var read gateway.Secret
	if err := read.UnmarshalText([]byte(value)); err != nil || read.IsZero() || !(gateway.Secret{}).IsZero() {
		t.Error("a secret cannot be configured", err)
	}
}

func TestPing(t *testing.T) {
	r := newRig(t, func(c *gateway.Config) { c.Now = func() time.Time { return time.Now().Add(time.Hour) } })
	h := r.s.Ping(t.Context())
	if !h.Reachable || !h.Accepted || h.Live || h.Status != 200 || h.RequestID == "" || !h.SkewKnown {
		t.Fatalf("%+v", h)
	}
	if h.Skew < 59*time.Minute || h.Skew > 61*time.Minute {
		t.Errorf("skew %v", h.Skew)
	}
	for name, c := range map[string]struct {
		status              int
		body                string
		reachable, accepted bool
	}{
		"live":      {200, `{"object":"balance","livemode":true}`, true, true},
		"wrong key": {401, `{"error":{"type":"invalid_request_error","message":"Invalid API Key provided"}}`, true, false},
		"limited":   {429, `{"error":{"type":"invalid_request_error","code":"rate_limit","message":"x"}}`, true, false},
		"a portal":  {200, `<html>Welcome to the hotel</html>`, false, false},
		"a proxy":   {502, `<html>Bad gateway</html>`, false, false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		h := newGateway(t, server.URL).Ping(t.Context())
		server.Close()
		if h.Reachable != c.reachable || h.Accepted != c.accepted || h.Live != (name == "live") {
			t.Errorf("%s: %+v", name, h)
		}
	}
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	if h := newGateway(t, server.URL).Ping(t.Context()); h.Reachable || h.Class != idempotency.AnswerNotSent {
		t.Errorf("%+v", h)
	}
}
