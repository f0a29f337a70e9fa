package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/events"
)

// exchange is one request and its answer.
type exchange struct {
	w       http.ResponseWriter
	r       *http.Request
	ctx     context.Context
	id      string // request id
	key     access.Key
	status  int       // what was answered; 0 until then
	payment events.ID // which payment it was about, for the log
	waited  bool      // it waited for events: its duration says nothing
}

// serve wraps a route: id, metrics, log, authentication, guard, time bound, and problems for errors.
func (a *API) serve(rt route) http.Handler {
	observe := a.metrics.route(rt)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := a.Clock()
		x := &exchange{w: w, r: r, ctx: r.Context(), id: a.requestID()}
		h := w.Header()
		h["Request-Id"] = []string{x.id}
		h["Cache-Control"] = noStore
		h["X-Content-Type-Options"] = noSniff
		a.metrics.inFlight.Inc()
		err := a.run(r.Context(), rt, x)
		if err != nil {
			a.refuse(x, err)
		}
		a.metrics.inFlight.Dec()
		took := a.Clock().Sub(started)
		observe(x, took)
		a.log(rt, x, took, err)
	})
}

var (
	noStore = []string{"no-store"}
	noSniff = []string{"nosniff"}
)

// run does everything up to an answer or an error. A panic becomes an error.
func (a *API) run(ctx context.Context, rt route, x *exchange) (err error) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			panic(v)
		default:
			a.Logger.LogAttrs(x.ctx, slog.LevelError, "panic in a handler", slog.String("request_id", x.id),
				slog.String("route", rt.path), slog.String("stack", events.Redact(string(debug.Stack()))))
			err = fmt.Errorf("panic of type %T", v) // its value may hold the app's data
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	if !rt.open {
		key, err := a.authenticate(ctx, x.r)
		if err != nil {
			return err
		}
		x.key = key
	}
	if rt.fallback {
		return rt.handle(a, x)
	}
	if err := guardHeaders(x.r.Header, rt.keyed); err != nil {
		return err
	}
	if len(rt.params) == 0 {
		if err := refuseQuery(x.r.URL.RawQuery); err != nil {
			return err
		}
	}
	if x.r.ContentLength != 0 && rt.path != submitPath {
		return &problem{code: codeInvalidRequest, detail: "Send this request without a body."}
	}
	if rt.open {
		x.ctx = ctx
		return rt.handle(a, x)
	}
	ctx, span := a.startSpan(ctx, rt, x.r)
	defer func() {
		span.SetAttributes(attribute.Int("http.response.status_code", statusOf(x, err)))
		if !x.payment.IsZero() {
			span.SetAttributes(attribute.String("payonce.payment", x.payment.String()))
		}
		span.End()
	}()
	x.ctx = ctx
	return rt.handle(a, x)
}

func statusOf(x *exchange, err error) int {
	if err != nil {
		return problemOf(err).status()
	}
	return x.status
}

// write sends the answer. body is not kept.
func (x *exchange) write(status int, contentType []string, body []byte) {
	x.status = status
	x.w.Header()["Content-Type"] = contentType
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // a caller that has gone is not our trouble
}

func (x *exchange) writeJSON(status int, body []byte) { x.write(status, contentJSON, body) }

var (
	contentJSON    = []string{"application/json"}
	contentProblem = []string{"application/problem+json"}
)

// refuse turns an error into an answer.
func (a *API) refuse(x *exchange, err error) {
	p := problemOf(err)
	h := x.w.Header()
	p.headers(h)
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	*b = p.append((*b)[:0], x.id, a.Clock())
	x.write(p.status(), contentProblem, *b)
}

// log writes one line per request. Nothing in it comes from the request but its method, if that is one of ours, and
// the id of a payment that exists.
func (a *API) log(rt route, x *exchange, took time.Duration, err error) {
	level := slog.LevelInfo
	if x.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !a.Logger.Enabled(x.ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs, slog.String("request_id", x.id), slog.String("method", methodName(x.r.Method)),
		slog.String("route", rt.path), slog.Int("status", x.status), slog.Duration("duration", took))
	if !x.payment.IsZero() {
		attrs = append(attrs, slog.String("payment", x.payment.String()))
	}
	if err != nil {
		p := problemOf(err)
		attrs = append(attrs, slog.String("code", string(p.code)))
		if cause := causeOf(err); level == slog.LevelError && cause != "" {
			attrs = append(attrs, slog.String("error", cause))
		}
	}
	a.Logger.LogAttrs(x.ctx, level, "request", attrs...)
}

// causeOf is the text of an error for operators, free of card numbers.
func causeOf(err error) string {
	var p *problem
	if errors.As(err, &p) {
		if err = p.cause; err == nil {
			return ""
		}
	}
	return events.Redact(err.Error())
}

func methodName(m string) string {
	switch m {
	case http.MethodGet, http.MethodPost, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

func (a *API) startSpan(ctx context.Context, rt route, r *http.Request) (context.Context, trace.Span) {
	ctx = remoteParent(ctx, r.Header)
	return a.tracer.Start(ctx, rt.pattern(), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", rt.method), attribute.String("http.route", rt.path)))
}

// buffers hold answers and bodies. Most are below 4 KiB.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4096); return &b }}
