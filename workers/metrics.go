package workers

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// Metrics of the workers. A nil *Metrics counts nothing. No label carries a tenant or an id.
type Metrics struct {
	work    *prometheus.CounterVec
	settled *prometheus.CounterVec
	seconds prometheus.Histogram
	lag     prometheus.Histogram
	hand    prometheus.Gauge
	wakes   prometheus.Counter
	panics  prometheus.Counter
}

// NewMetrics registers the metrics.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		work: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "payonce_work_total", Help: "Deliveries of work messages that ended, by result.",
		}, []string{"result"}),
		settled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "payonce_settled_total", Help: "Deliveries that left the payment in this state.",
		}, []string{"state"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "payonce_work_seconds", Help: "Time a delivery was worked on, in seconds.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 16),
		}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "payonce_settle_lag_seconds", Help: "Time from accept to a final state, in seconds.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 20),
		}),
		hand: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "payonce_work_in_hand", Help: "Deliveries being worked on now.",
		}),
		wakes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "payonce_janitor_woken_total", Help: "Due records that the janitor put back to work.",
		}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "payonce_work_panics_total", Help: "Deliveries whose work panicked: a bug to report.",
		}),
	}
	for _, c := range []prometheus.Collector{m.work, m.settled, m.seconds, m.lag, m.hand, m.wakes, m.panics} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Metrics) worked(result Result, r idempotency.Record, took time.Duration, now time.Time) {
	if m == nil {
		return
	}
	m.work.WithLabelValues(string(result)).Inc()
	m.seconds.Observe(took.Seconds())
	if result != ResultDone || r.State == idempotency.Absent {
		return
	}
	m.settled.WithLabelValues(r.State.String()).Inc()
	if r.State.Final() {
		m.lag.Observe(now.Sub(r.Created.Time()).Seconds())
	}
}

func (m *Metrics) inHand(n float64) {
	if m != nil {
		m.hand.Add(n)
	}
}

func (m *Metrics) woken() {
	if m != nil {
		m.wakes.Inc()
	}
}

func (m *Metrics) panicked() {
	if m != nil {
		m.panics.Inc()
	}
}

// span continues the trace that the message carries.
func (p *Pool) span(ctx context.Context, d queue.Delivery) (context.Context, trace.Span) {
	if p.c.Tracer == nil {
		return noop.NewTracerProvider().Tracer("").Start(ctx, "")
	}
	if d.Trace != "" {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": d.Trace})
	}
	return p.c.Tracer.Start(ctx, "work payment", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("payonce.payment", d.Operation.String()), attribute.Int("payonce.receives", d.Receives)))
}
