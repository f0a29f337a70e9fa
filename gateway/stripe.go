package gateway

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	stripego "github.com/stripe/stripe-go/v76"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/payonce/payonce/idempotency"
)

// Bodies longer than this are not Stripe's: a PaymentIntent with its charge has about 6 KB.
const (
	maxAnswer = 1 << 20
	maxPage   = 16 << 20
)

const intentsPath = "/v1/payment_intents"

// backend is what is used of stripe-go: it builds the request, and runs it without retries.
type backend interface {
	NewRequest(method, path, key, contentType string, params *stripego.Params) (*http.Request, error)
	Do(req *http.Request, body *bytes.Buffer, v stripego.LastResponseSetter) error
}

// Stripe is one account at Stripe. Safe for concurrent use; holds no goroutines but those of idle connections.
type Stripe struct {
	installation uuid.UUID
	key          Secret
	mode         keyMode
	timeout      time.Duration
	findTimeout  time.Duration
	now          func() time.Time
	log          *slog.Logger
	tracer       trace.Tracer
	client       *http.Client
	backend      backend
	breaker      *breaker
	writes       *budget
	reads        *budget
	metrics      *metrics
}

// New builds the gateway to one account. It sends nothing.
// Errors: those that wrap ErrConfig; a metric that is already registered.
func New(c Config) (*Stripe, error) {
	c, mode, err := c.checked()
	if err != nil {
		return nil, err
	}
	s := &Stripe{
		installation: c.Installation, key: c.APIKey, mode: mode, timeout: c.Timeout, findTimeout: c.FindTimeout,
		now: c.Now, log: c.Logger, tracer: c.Tracer.Tracer("github.com/payonce/payonce/gateway"),
		writes: newBudget(c.RatePerSecond), reads: newBudget(c.ReadsPerSecond), metrics: newMetrics(),
	}
	s.breaker = newBreaker(func(name, to string) {
		s.metrics.changes.WithLabelValues(name, to).Inc()
		s.log.Warn("stripe breaker changed", slog.String("breaker", name), slog.String("to", to))
	})
	// A redirect is an answer like any other: following it would send the request, or another one, again.
	s.client = &http.Client{
		Transport:     once{c.Transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	b, ok := stripego.GetBackendWithConfig(stripego.APIBackend, &stripego.BackendConfig{
		URL: stripego.String(c.BaseURL), HTTPClient: s.client, MaxNetworkRetries: stripego.Int64(0),
		EnableTelemetry: stripego.Bool(false), LeveledLogger: &stripego.LeveledLogger{Level: stripego.LevelNull},
	}).(backend)
	if !ok {
		return nil, badConfig("this stripe-go has no request builder")
	}
	s.backend = b
	if err := s.metrics.register(c.Registerer, s); err != nil {
		return nil, err
	}
	return s, nil
}

// Close closes idle connections. Calls under way go on.
func (s *Stripe) Close() { s.client.CloseIdleConnections() }

// Live reports whether the account's key is a live one.
func (s *Stripe) Live() bool { return s.mode == keyLive }

// Forms encodes requests for this gateway's installation.
func (s *Stripe) Forms() Forms { return Forms{s.installation} }

// Do makes one call and classifies whatever came of it. It never fails: an ended ctx, a refused connection and
// a page of HTML are answers too.
//
// A call is one HTTP request, within Config.Timeout and ctx; CallFind is one per page, within Config.FindTimeout. Do
// sends a call at most once, never after call.LeaseEnd, and does not compare the answered intent with the call.
// A rate token is waited for where Take says so.
func (s *Stripe) Do(ctx context.Context, call idempotency.Call) idempotency.Answer {
	ctx, span := s.tracer.Start(ctx, "stripe "+call.Kind.String(), trace.WithSpanKind(trace.SpanKindClient))
	defer span.End()
	started := s.now()
	var a idempotency.Answer
	if call.Kind == idempotency.CallFind {
		a = s.find(ctx, call)
	} else {
		a = s.one(ctx, call)
	}
	if a.Began == 0 {
		a.Began = idempotency.At(started)
	}
	if span.IsRecording() {
		span.SetAttributes(
			attribute.String("payonce.call.kind", call.Kind.String()), attribute.String("payonce.answer.class", a.Class.String()),
			attribute.String("stripe.request_id", a.RequestID), attribute.Int("payonce.attempt", call.Attempt),
		)
		if notable(a.Class) {
			span.SetStatus(codes.Error, a.Class.String())
		}
	}
	if notable(a.Class) {
		s.log.LogAttrs(ctx, slog.LevelWarn, "stripe call without a definite answer",
			slog.String("kind", call.Kind.String()), slog.String("class", a.Class.String()), slog.String("payment", call.Payment.String()),
			slog.Int("attempt", call.Attempt), slog.Int("status", a.Status), slog.String("request_id", a.RequestID),
			slog.String("code", a.Code), slog.Duration("duration", s.now().Sub(started)))
	}
	return a
}

// notable classes are those that an operator should be able to find in the log.
func notable(c idempotency.AnswerClass) bool {
	switch c {
	case idempotency.AnswerNone, idempotency.AnswerNotSent, idempotency.AnswerDrift, idempotency.AnswerRefused,
		idempotency.AnswerBusy, idempotency.AnswerStored500, idempotency.AnswerMissing:
		return true
	}
	return false
}

// one makes a call that is one request.
func (s *Stripe) one(ctx context.Context, call idempotency.Call) idempotency.Answer {
	method, path, ok := route(&call)
	if !ok {
		return idempotency.Answer{Class: idempotency.AnswerInvalid, Code: CodeBadCall, Message: "The call cannot be sent as it is."}
	}
	if !call.Kind.Claimed() {
		if err := s.budgetOf(call.Kind).wait(ctx); err != nil {
			return idempotency.Answer{Class: idempotency.AnswerNotSent}
		}
	}
	x := &exchange{kind: call.Kind, keyed: call.Key != "", form: call.Form, limit: maxAnswer, now: s.now, lease: call.LeaseEnd}
	version := call.APIVersion
	if version == "" {
		version = APIVersion
	}
	return s.exchange(ctx, x, method, path, call.Key, version, func() idempotency.Answer { return x.answer(s.installation) })
}

// route is where a call goes. False: the call lacks what would make it safe, or valid, to send.
func route(c *idempotency.Call) (method, path string, ok bool) {
	id := isIntentID(c.Intent)
	keyed := c.Key != "" && len(c.Key) <= 255 && strings.TrimSpace(c.Key) == c.Key && len(c.Form) > 0
	switch c.Kind {
	case idempotency.CallCreate, idempotency.CallCreateConfirm:
		return http.MethodPost, intentsPath, keyed
	case idempotency.CallConfirm:
		return http.MethodPost, intentsPath + "/" + c.Intent + "/confirm", keyed && id
	case idempotency.CallCancel:
		return http.MethodPost, intentsPath + "/" + c.Intent + "/cancel", id
	case idempotency.CallRetrieve:
		return http.MethodGet, intentsPath + "/" + c.Intent + "?expand[]=latest_charge", id
	}
	return "", "", false
}

// exchange runs one HTTP request and reports its class to breaker, budget and metrics.
func (s *Stripe) exchange(ctx context.Context, x *exchange, method, path, key, version string, judge func() idempotency.Answer) idempotency.Answer {
	report := s.breaker.begin()
	s.metrics.inFlight.Inc()
	began := time.Now()
	s.send(ctx, x, method, path, key, version)
	a := judge()
	s.metrics.inFlight.Dec()
	s.metrics.count(x.label(), a.Class, time.Since(began).Seconds())
	report(a.Class, x.canceled || x.withheld.Load())
	if a.Class == idempotency.AnswerBusy && a.Code != "lock_timeout" {
		s.budgetOf(x.kind).slow(time.Now())
	}
	return a
}

// send runs one HTTP request, at most once. What came of it is in x.
func (s *Stripe) send(caller context.Context, x *exchange, method, path, key, version string) {
	ctx, cancel := context.WithTimeout(x.trace(caller), s.timeout)
	defer cancel()
	params := &stripego.Params{Context: ctx, Headers: http.Header{"Stripe-Version": {version}}}
	if key != "" {
		params.IdempotencyKey = &key
	}
	req, err := s.backend.NewRequest(method, path, s.key.reveal(), "application/x-www-form-urlencoded", params)
	if err != nil {
		x.err = err
		x.withheld.Store(true)
		return
	}
	if key == "" {
		req.Header.Del("Idempotency-Key") // the SDK draws one for each POST
	}
	req.Header.Del("X-Stripe-Client-User-Agent") // holds the output of uname, the machine's name included
	if err := caller.Err(); err != nil {
		x.err = err
		x.withheld.Store(true)
		return
	}
	var sink stripego.APIResource
	if err = s.backend.Do(req, nil, &sink); !x.whole {
		x.err = err // with a whole answer it is only that the SDK got an empty object to read
		x.canceled = gaveUp(caller)
	}
}
