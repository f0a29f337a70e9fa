package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"golang.org/x/time/rate"
)

// DefaultBaseURL is Stripe itself.
const DefaultBaseURL = "https://api.stripe.com"

const stripeHost = "api.stripe.com"

// Config is what New needs to know. Zero values take the defaults named here.
type Config struct {
	// APIKey is the account's secret or restricted key. Required.
	APIKey Secret
	// BaseURL is where the API is, scheme and host only. Default DefaultBaseURL.
	//
	// A test key (sk_test_, rk_test_) may go anywhere. A live key (sk_live_, rk_live_) goes to
	// https://api.stripe.com only. A key of another form might be live: it goes there or to the loopback.
	BaseURL string
	// Installation marks what this installation creates at Stripe. Required.
	Installation uuid.UUID
	// Timeout bounds each HTTP exchange, from the look for a connection to the last byte of the answer. Default 30 s.
	Timeout time.Duration
	// FindTimeout bounds a whole CallFind, over all its pages. Default 2 min.
	FindTimeout time.Duration
	// RatePerSecond is the budget of POSTs, ReadsPerSecond that of GETs. At api.stripe.com the defaults are
	// 80 and 20 for a live key and 20 and 5 for a test key, together what Stripe allows an account
	// (https://docs.stripe.com/rate-limits); elsewhere there is no limit.
	RatePerSecond, ReadsPerSecond float64
	// Transport replaces the network, for tests. Default: a pool of up to 256 idle connections per host.
	Transport http.RoundTripper
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Logger gets one line for each answer that an operator should know of. Default: none.
	Logger *slog.Logger
	// Registerer takes the metrics. Default: they are counted and shown to nobody.
	Registerer prometheus.Registerer
	// Tracer provides the tracer of the client spans. Default: no spans.
	Tracer trace.TracerProvider
}

// ErrConfig is wrapped by every refusal of New. The text never holds any part of the key.
var ErrConfig = errors.New("stripe gateway: bad configuration")

func badConfig(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...)
}

// keyMode is what a key's prefix says of it.
type keyMode uint8

const (
	keyUnknown keyMode = iota
	keyTest
	keyLive
)

func modeOf(key string) keyMode {
	for _, kind := range [...]string{"sk_", "rk_"} {
		switch rest := strings.TrimPrefix(key, kind); {
		case rest == key:
		case strings.HasPrefix(rest, "test_"):
			return keyTest
		case strings.HasPrefix(rest, "live_"):
			return keyLive
		}
	}
	return keyUnknown
}

// checked fills the defaults and refuses what could leak the key or speak to the wrong party.
func (c Config) checked() (Config, keyMode, error) {
	key := c.APIKey.reveal()
	if key == "" {
		return c, 0, badConfig("the API key is missing")
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return c, 0, badConfig("the API key holds a blank or a character that is not visible ASCII")
		}
	}
	if strings.HasPrefix(key, "pk_") {
		return c, 0, badConfig("the API key is a publishable one (pk_): use a secret or restricted key")
	}
	mode := modeOf(key)
	if c.Installation == uuid.Nil {
		return c, 0, badConfig("the installation id is missing")
	}
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	host, err := checkBaseURL(c.BaseURL, mode)
	if err != nil {
		return c, 0, err
	}
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	for _, d := range [...]struct {
		name string
		at   *time.Duration
		or   time.Duration
	}{{"Timeout", &c.Timeout, 30 * time.Second}, {"FindTimeout", &c.FindTimeout, 2 * time.Minute}} {
		if *d.at < 0 {
			return c, 0, badConfig("%s is negative", d.name)
		}
		if *d.at == 0 {
			*d.at = d.or
		}
	}
	writes, reads := defaultRates(host, mode)
	if err := fillRate("RatePerSecond", &c.RatePerSecond, writes); err != nil {
		return c, 0, err
	}
	if err := fillRate("ReadsPerSecond", &c.ReadsPerSecond, reads); err != nil {
		return c, 0, err
	}
	if c.Transport == nil {
		c.Transport = newTransport()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Tracer == nil {
		c.Tracer = tracenoop.NewTracerProvider()
	}
	return c, mode, nil
}

// checkBaseURL refuses an address that the key may not go to.
func checkBaseURL(base string, mode keyMode) (host string, err error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", badConfig("the Stripe URL must be http:// or https:// and a host") // err repeats the text
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		return "", badConfig("the Stripe URL must have no user, path, query or fragment")
	}
	host = strings.ToLower(u.Hostname())
	official := u.Scheme == "https" && host == stripeHost && (u.Port() == "" || u.Port() == "443")
	switch {
	case official || mode == keyTest:
		return host, nil
	case mode == keyLive:
		return "", badConfig("a live key goes to %s only", DefaultBaseURL)
	case !loopback(host):
		return "", badConfig("a key that is not a test key goes to %s or to this machine only", DefaultBaseURL)
	}
	return host, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func defaultRates(host string, mode keyMode) (writes, reads float64) {
	switch {
	case host != stripeHost:
		return float64(rate.Inf), float64(rate.Inf)
	case mode == keyLive:
		return 80, 20
	default:
		return 20, 5
	}
}

func fillRate(name string, at *float64, or float64) error {
	if !(*at >= 0) {
		return badConfig("%s must not be negative", name)
	}
	if *at == 0 {
		*at = or
	}
	return nil
}
