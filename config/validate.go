package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/idempotency"
)

const (
	// leaseMargin is what a lease needs beyond the Stripe time-out: the commit before the call, clocks that differ.
	leaseMargin = 10 * time.Second
	// attemptsReserve is how many attempts a payment may need beyond max_attempts after answers that decided nothing.
	attemptsReserve = 3

	stripeHost = "api.stripe.com"
)

// Validate checks each setting and what relates them. The error joins all findings; each names the setting and the
// remedy and wraps ErrSetting.
func (s Settings) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrSetting}, args...)...))
	}
	if s.Engine != EngineEmbedded && s.Engine != EngineAWS {
		bad("engine: use %q or %q", EngineEmbedded, EngineAWS)
	}
	if s.Data == "" {
		bad("data: name a folder")
	}
	for name, address := range map[string]string{"listen": s.Listen, "sandbox_listen": s.SandboxListen} {
		if err := checkListen(address); err != nil {
			bad("%s: %w", name, err)
		}
	}
	if s.ChargeMode != TwoSteps && s.ChargeMode != OneStep {
		bad("charge_mode: use %q or %q", TwoSteps, OneStep)
	}
	for _, tenant := range s.OneStepTenants {
		if err := access.CheckName(tenant); err != nil {
			bad("one_step_tenants: %w", err)
		}
	}
	between := func(name string, v, low, high int) {
		if v < low || v > high {
			bad("%s: must be %d to %d", name, low, high)
		}
	}
	between("workers", s.Workers, 1, 4096)
	between("max_backlog", s.MaxBacklog, 0, 1_000_000_000)
	between("max_attempts", s.MaxAttempts, 1, idempotency.MaxAttemptsKept-attemptsReserve)
	span := func(name string, d, low, high time.Duration) {
		if d < low || d > high {
			bad("%s: must be %s to %s", name, low, high)
		}
	}
	span("stripe_timeout", s.StripeTimeout, time.Second, 5*time.Minute)
	span("visibility", s.Visibility, 2*time.Second, 12*time.Hour)
	span("lease", s.Lease, time.Second, time.Hour)
	span("action_timeout", s.ActionTimeout, time.Minute, 30*24*time.Hour)
	span("janitor_interval", s.JanitorInterval, 10*time.Millisecond, time.Minute)
	span("event_retention", s.EventRetention, 24*time.Hour, 10*365*24*time.Hour)
	span("drain_timeout", s.DrainTimeout, time.Second, time.Hour)
	if s.Visibility <= s.StripeTimeout {
		bad("visibility: %s does not exceed stripe_timeout, %s; raise visibility or lower stripe_timeout", s.Visibility, s.StripeTimeout)
	}
	if s.Lease < s.StripeTimeout+leaseMargin {
		bad("lease: %s is shorter than stripe_timeout + %s; raise lease to at least %s", s.Lease, leaseMargin, s.StripeTimeout+leaseMargin)
	}
	if s.StripeAccount != "" && !strings.HasPrefix(s.StripeAccount, "acct_") {
		bad("stripe_account: must begin with acct_; the dashboard shows it under account details")
	}
	if s.StripeRate < 0 || s.StripeRate > 100_000 {
		bad("stripe_rate: must be 0 (the default for the key) to 100000 requests per second")
	}
	if s.TraceRatio < 0 || s.TraceRatio > 1 {
		bad("trace_ratio: must be 0 to 1")
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, s.LogLevel) {
		bad("log_level: use debug, info, warn or error")
	}
	if err := s.checkStripe(); err != nil {
		bad("%w", err)
	}
	for name, address := range map[string]string{"otlp_endpoint": s.OTLPEndpoint, "url": s.URL} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https") {
			bad("%s: must be a URL such as http://127.0.0.1:4318, without a user", name)
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

func checkListen(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return errors.New("must be host:port, such as 127.0.0.1:8080 or [::1]:8080")
	}
	return nil
}

// checkStripe keeps live money on the one way to Stripe.
func (s Settings) checkStripe() error {
	u, err := url.Parse(s.StripeURL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("stripe_url: must be a URL such as https://api.stripe.com, without a user")
	}
	key := s.StripeAPIKey.Reveal()
	if Live(key) && (u.Scheme != "https" || u.Hostname() != stripeHost || u.Port() != "" && u.Port() != "443") {
		return errors.New("stripe_url: a live key goes to https://api.stripe.com or nowhere; remove stripe_url or use a test key")
	}
	if key != "" && !Live(key) && !strings.HasPrefix(key, "sk_test_") && !strings.HasPrefix(key, "rk_test_") {
		return errors.New("stripe_api_key: must begin with sk_test_, rk_test_, sk_live_ or rk_live_")
	}
	return nil
}

// Live reports whether a Stripe key moves real money.
func Live(key string) bool {
	return strings.HasPrefix(key, "sk_live_") || strings.HasPrefix(key, "rk_live_")
}
