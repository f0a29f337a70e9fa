package gateway

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/payonce/payonce/idempotency"
)

// metrics of one account. No label holds anything of a tenant or a payment.
type metrics struct {
	calls    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	changes  *prometheus.CounterVec
}

func newMetrics() *metrics {
	return &metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "payonce_stripe_calls_total",
			Help: "HTTP exchanges with Stripe, by kind of call and class of answer.",
		}, []string{"kind", "class"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "payonce_stripe_call_duration_seconds",
			Help:    "Duration of HTTP exchanges with Stripe in seconds, rate waits not included.",
			Buckets: []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32},
		}, []string{"kind"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "payonce_stripe_calls_in_flight",
			Help: "HTTP exchanges with Stripe that are under way.",
		}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "payonce_stripe_breaker_changes_total",
			Help: "State changes of the breakers, by breaker (unreachable, credentials) and new state (closed, half-open, open).",
		}, []string{"breaker", "to"}),
	}
}

// register shows the metrics of s, its breakers' state and its rates included.
func (m *metrics) register(r prometheus.Registerer, s *Stripe) error {
	if r == nil {
		return nil
	}
	stopped := func(reason StopReason, g *gate) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "payonce_stripe_stopped", Help: "1 while workers are told not to receive, by reason.",
			ConstLabels: prometheus.Labels{"reason": string(reason)},
		}, func() float64 {
			if open, _ := g.open(); open {
				return 1
			}
			return 0
		})
	}
	for _, c := range [...]prometheus.Collector{
		m.calls, m.duration, m.inFlight, m.changes,
		stopped(StopUnreachable, s.breaker.unreachable), stopped(StopCredentials, s.breaker.credentials),
	} {
		if err := r.Register(c); err != nil {
			return fmt.Errorf("stripe gateway: register metrics: %w", err)
		}
	}
	return nil
}

func (m *metrics) count(kind string, class idempotency.AnswerClass, seconds float64) {
	m.calls.WithLabelValues(kind, class.String()).Inc()
	m.duration.WithLabelValues(kind).Observe(seconds)
}
