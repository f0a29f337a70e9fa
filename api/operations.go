package api

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// overview is GET /v1/overview.
func (a *API) overview(x *exchange) error {
	o, err := a.Reader.Overview(x.ctx, x.key.Tenant)
	if err != nil {
		return err
	}
	depth, err := a.Queue.Depth(x.ctx)
	if err != nil {
		return err
	}
	now := a.Clock()
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	out := append((*b)[:0], `{"object":"overview","states":{`...)
	for i, s := range idempotency.States() {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendString(out, s.String())
		out = append(out, ':')
		out = strconv.AppendInt(out, o.States[s], 10)
	}
	out = append(out, `},"attention":`...)
	out = strconv.AppendInt(out, o.Attention, 10)
	out = append(out, `,"queue":{"visible":`...)
	out = strconv.AppendInt(out, int64(depth.Visible), 10)
	out = append(out, `,"in_flight":`...)
	out = strconv.AppendInt(out, int64(depth.InFlight), 10)
	out = append(out, `,"delayed":`...)
	out = strconv.AppendInt(out, int64(depth.Delayed), 10)
	if !depth.Oldest.IsZero() {
		out = append(out, `,"oldest_at":`...)
		out = appendTime(out, depth.Oldest)
		out = append(out, `,"oldest_age_seconds":`...)
		out = appendSeconds(out, max(0, now.Sub(depth.Oldest)))
	}
	out = append(out, `},"breakers":[`...)
	out = appendBreakers(out, a.Breakers)
	out = append(out, `],"as_of":`...)
	out = appendTime(out, now)
	*b = append(out, '}')
	x.writeJSON(http.StatusOK, *b)
	return nil
}

func appendBreakers(b []byte, list func() []Breaker) []byte {
	if list == nil {
		return b
	}
	for i, br := range list() {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":`...)
		b = appendString(b, br.Name)
		b = append(b, `,"open":`...)
		b = strconv.AppendBool(b, br.Open)
		if br.Open && !br.Until.IsZero() {
			b = append(b, `,"until":`...)
			b = appendTime(b, br.Until)
		}
		b = append(b, '}')
	}
	return b
}

// health is GET /healthz.
func (a *API) health(x *exchange) error {
	x.writeJSON(http.StatusOK, []byte(`{"status":"ok"}`))
	return nil
}

// checkTimeout bounds one check of readiness.
const checkTimeout = 2 * time.Second

// ready is GET /readyz.
func (a *API) ready(x *exchange) error {
	var failing []string
	if a.isDraining() {
		failing = append(failing, "draining")
	}
	for _, c := range a.Checks {
		ctx, cancel := context.WithTimeout(x.ctx, checkTimeout)
		err := c.Run(ctx)
		cancel()
		if err != nil {
			failing = append(failing, c.Name)
			a.Logger.LogAttrs(x.ctx, slog.LevelWarn, "not ready", slog.String("component", c.Name),
				slog.String("error", events.Redact(err.Error())))
		}
	}
	if len(failing) == 0 {
		return a.health(x)
	}
	b := []byte(`{"status":"unready","failing":[`)
	for i, name := range failing {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, name)
	}
	x.writeJSON(http.StatusServiceUnavailable, append(b, ']', '}'))
	return nil
}

// serveMetrics is GET /metrics.
func (a *API) serveMetrics(x *exchange) error {
	if a.Metrics == nil {
		return &problem{code: codeNotFound, detail: "This installation serves no metrics here."}
	}
	w := &statusRecorder{ResponseWriter: x.w, status: http.StatusOK}
	a.Metrics.ServeHTTP(w, x.r)
	x.status = w.status
	return nil
}

// statusRecorder remembers what a foreign handler answered.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (w *statusRecorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
