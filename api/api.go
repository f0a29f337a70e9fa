package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/payonce/payonce/accept"
	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/read"
)

// Desk takes payments in. *accept.Desk is one.
type Desk interface {
	Submit(ctx context.Context, tenant string, key events.Key, body []byte, trace string) (accept.Result, error)
	Cancel(ctx context.Context, tenant string, key events.Key) (accept.Result, error)
}

// Authenticator tells who presents a secret. *access.Authenticator is one. access.ErrDenied refuses; any other error
// means that it cannot tell now.
type Authenticator interface {
	Authenticate(ctx context.Context, secret string) (access.Key, error)
}

// Breaker is a lane to the outside that may be stopped.
type Breaker struct {
	Name  string
	Open  bool
	Until time.Time // when it will be tried again; zero if unknown
}

// Check is one condition of readiness. Name is shown to everybody, the error to nobody but the log.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

// Config of an API.
type Config struct {
	Desk   Desk          // required
	Reader read.Reader   // required; a read.Waiter makes waiting for events prompt
	Keys   Authenticator // required
	Queue  accept.Depth  // required: the depth in the overview
	// Source names the installation in CloudEvents: a URI reference. Required.
	Source string
	// Breakers lists the lanes for the overview. Nil: none.
	Breakers func() []Breaker
	// Checks must all pass for /readyz; draining is checked besides.
	Checks []Check
	// Metrics serves /metrics. Nil: 404.
	Metrics http.Handler
	// Registerer takes this package's metrics. Nil: they are counted and not shown.
	Registerer prometheus.Registerer
	// Tracers makes the server spans. Default: none, but a sampled traceparent is passed on.
	Tracers trace.TracerProvider
	// Logger gets one line per request. Default: none.
	Logger *slog.Logger
	// Clock tells the time. Default time.Now.
	Clock func() time.Time
	// Random is read once, for the prefix of request ids. Default crypto/rand.
	Random io.Reader
	// Timeout bounds the work on one request; waiting for events is not counted. Default 10 s.
	Timeout time.Duration
	// MaxWaiters bounds the readers of the feed that wait at once; further ones are answered without waiting.
	// Default 256.
	MaxWaiters int
}

// API is the HTTP handler. Safe for concurrent use.
type API struct {
	Config
	mux     *http.ServeMux
	metrics *metrics
	tracer  trace.Tracer
	waiters chan struct{}

	boot     string // prefix of request ids
	requests atomic.Uint64

	drainOnce sync.Once
	draining  chan struct{}
}

// New returns the handler, or an error that names what the Config lacks.
func New(c Config) (*API, error) {
	if c.Desk == nil || c.Reader == nil || c.Keys == nil || c.Queue == nil || c.Source == "" {
		return nil, errors.New("api: desk, reader, keys, queue and source are required")
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Tracers == nil {
		c.Tracers = noop.NewTracerProvider()
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.MaxWaiters <= 0 {
		c.MaxWaiters = 256
	}
	var boot [8]byte
	if _, err := io.ReadFull(c.Random, boot[:]); err != nil {
		return nil, fmt.Errorf("api: drawing the prefix of request ids: %w", err)
	}
	m, err := newMetrics(c.Registerer)
	if err != nil {
		return nil, fmt.Errorf("api: registering metrics: %w", err)
	}
	a := &API{
		Config: c, mux: http.NewServeMux(), metrics: m,
		tracer:  c.Tracers.Tracer("github.com/payonce/payonce/api"),
		waiters: make(chan struct{}, c.MaxWaiters), boot: hex.EncodeToString(boot[:]),
		draining: make(chan struct{}),
	}
	a.register()
	return a, nil
}

// Drain makes the API not ready and ends all waiting for events. Requests are still answered: closing the listener is
// the server's business. It may be called more than once.
func (a *API) Drain() { a.drainOnce.Do(func() { close(a.draining) }) }

func (a *API) isDraining() bool {
	select {
	case <-a.draining:
		return true
	default:
		return false
	}
}

// requestID is req_, what is the same for this process, and a count: 24 hexadecimal digits.
func (a *API) requestID() string {
	const digits = "0123456789abcdef"
	var b [28]byte
	copy(b[:], "req_")
	copy(b[4:], a.boot)
	n := a.requests.Add(1)
	for i := len(b) - 1; i >= 20; i-- {
		b[i] = digits[n&15]
		n >>= 4
	}
	return string(b[:])
}
