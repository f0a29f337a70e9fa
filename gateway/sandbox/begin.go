package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Pending is a request that has been let in and not executed.
type Pending struct {
	// Delay that passes before it is executed.
	Delay time.Duration

	// What the request says, whatever the state: see prepare.
	req       *Request
	ep        endpoint
	id        string
	account   string
	form      Form
	params    *params
	key       *keyHash // nil: without a key
	print     keyHash
	badAuth   *apiError
	badForm   *apiError
	badParams *apiError
	resp      Response
	fault     Fault
	rule      int  // 1 + the rule that gave the fault
	taken     bool // the fault is counted
}

// prepare reads a request as far as that needs no state, and so no lock.
func prepare(r *Request) *Pending {
	p := &Pending{req: r}
	p.ep, p.id = route(r.Method, r.Path)
	p.account, p.badAuth = authenticate(r)
	p.parse()
	return p
}

// admit takes a prepared request through the layers of Stripe's front in their order: what is before the API,
// authentication, rate limits, parameters, idempotency (https://docs.stripe.com/error-low-level).
func (s *Stripe) admit(p *Pending, now time.Time, f Fault) (Response, *Pending) {
	t := s.tick(now)
	p.resp, p.fault = s.begun(p.req), f
	s.requests[p.ep]++
	if f.Kind == None {
		var n int
		p.fault, n = s.plan.draw(p.ep, s.seq<<32+s.calls, func() string { return s.paymentOf(p) })
		p.rule = n + 1
	}
	resp := &p.resp
	switch p.fault.Kind {
	case Reset:
		s.inject(p, t)
		resp.Fate = WasReset
		return *resp, nil
	case BadGateway:
		s.inject(p, t)
		resp.plain(http.StatusBadGateway, "text/html", htmlBody)
		return *resp, nil
	case Unavailable:
		s.inject(p, t)
		resp.plain(http.StatusServiceUnavailable, "text/plain", textBody)
		return *resp, nil
	}
	bad := p.badAuth
	if bad == nil {
		bad = s.limits(p, t)
	}
	if bad == nil {
		bad = p.badForm
	}
	if bad != nil {
		return s.refused(p, t, bad), nil
	}
	if p.fault.Kind == LateEffect {
		s.sendLate(p, t)
		resp.Fate = WasReset
		return *resp, nil
	}
	if p.key != nil {
		if done := s.meetKey(p, t); done {
			return *resp, nil
		}
	}
	if p.badParams != nil {
		return s.refused(p, t, p.badParams), nil
	}
	if p.key != nil {
		s.inFlight[*p.key] = struct{}{}
	}
	if p.fault.Kind == Latency {
		s.inject(p, t)
		p.Delay = p.fault.Delay
	}
	return Response{}, p
}

// refused ends a request that is not executed; a lost or delayed answer stays one.
func (s *Stripe) refused(p *Pending, t int64, bad *apiError) Response {
	p.resp.refuse(bad)
	s.spoil(p, t)
	return p.resp
}

// limits are the refusals that come after authentication and before anything else.
func (s *Stripe) limits(p *Pending, t int64) *apiError {
	switch p.fault.Kind {
	case RateLimit:
		s.inject(p, t)
		p.resp.RateLimited = "global-rate"
		return &apiError{
			Status: http.StatusTooManyRequests, Type: typeInvalidRequest, Code: "rate_limit",
			Message: "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
		}
	case LockTimeout:
		s.inject(p, t)
		return &apiError{
			Status: http.StatusTooManyRequests, Type: typeInvalidRequest, Code: "lock_timeout",
			Message: "This object cannot be accessed right now because another API request or Stripe process is currently accessing it.",
		}
	}
	return nil
}

// inject counts a fault once.
func (s *Stripe) inject(p *Pending, t int64) {
	if !p.taken {
		p.taken = true
		p.resp.Fault = p.fault.Kind
		s.commit(&entry{At: t, Fault: p.fault.Kind, Rule: p.rule})
		p.resp.after = s.pos
	}
}

// spoil does to an answer what the fault does on the wire.
func (s *Stripe) spoil(p *Pending, t int64) {
	switch p.fault.Kind {
	case LostAnswer:
		p.resp.Fate = Closed
	case DelayedAnswer:
		p.resp.Delay = p.fault.Delay
	case BadGatewayEffect:
		p.resp.plain(http.StatusBadGateway, "text/html", htmlBody)
	default:
		return
	}
	after := p.resp.after
	s.inject(p, t)
	p.resp.after = max(after, p.resp.after)
}

var keyForm = regexp.MustCompile(`^(sk|rk)_test_[A-Za-z0-9_]{1,240}$`)

// authenticate finds the account of an API key. Keys of one account share what follows the prefix up to the next
// underscore: sk_test_shop_1 and rk_test_shop_2 are both of the account shop.
func authenticate(r *Request) (account string, bad *apiError) {
	unauthorized := func(message string) (string, *apiError) {
		return "", &apiError{Status: http.StatusUnauthorized, Type: typeInvalidRequest, Message: message}
	}
	key, ok := strings.CutPrefix(r.Authorization, "Bearer ")
	if !ok {
		var basic string
		if basic, ok = strings.CutPrefix(r.Authorization, "Basic "); ok {
			raw, err := base64.StdEncoding.DecodeString(basic)
			if err != nil {
				return unauthorized("Invalid API Key provided.")
			}
			key, _, _ = strings.Cut(string(raw), ":")
		}
	}
	switch {
	case !ok || key == "":
		return unauthorized("You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth " +
			"(e.g. 'Authorization: Bearer YOUR_SECRET_KEY').")
	case strings.HasPrefix(key, "sk_live_") || strings.HasPrefix(key, "rk_live_"):
		return unauthorized("This is the payonce sandbox: it takes test keys only (sk_test_ or rk_test_). Never send a live key here.")
	case !keyForm.MatchString(key):
		return unauthorized("Invalid API Key provided.")
	case r.OnBehalf != "":
		return "", &apiError{
			Status: http.StatusForbidden, Type: typeInvalidRequest, Code: "account_invalid",
			Message: "The payonce sandbox has no connected accounts (Stripe-Account).",
		}
	}
	name, _, _ := strings.Cut(key[len("sk_test_"):], "_")
	// Only a hash is kept: the text after the prefix may be all there is of the key.
	sum := sha256.Sum256([]byte("account\x00" + name))
	return "acct_1" + base62(be64(sum[:]))[:10] + base62(be64(sum[8:]))[:5], nil
}

func be64(b []byte) (x uint64) {
	for _, c := range b[:8] {
		x = x<<8 | uint64(c)
	}
	return x
}

// paymentOf is the payment that a request is about, for rules that name one.
func (s *Stripe) paymentOf(p *Pending) string {
	if p.id != "" {
		if pi := s.intents[p.id]; pi != nil {
			return lookup(pi.Metadata, MetaID)
		}
		return ""
	}
	for _, f := range p.form {
		if f.Base == "metadata" && len(f.Path) == 1 && f.Path[0] == MetaID {
			return f.Value
		}
	}
	return ""
}
