package api

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/payonce/payonce/accept"
)

// metrics are what Prometheus sees of this package. No label comes from a request.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	accepts  *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "payonce_http_requests_total", Help: "Requests answered, by method, route and HTTP status.",
		}, []string{"method", "route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "payonce_http_request_duration_seconds",
			Help: "Time from the request's headers to the end of its answer, in seconds. Readers that waited for events are left out.",
			Buckets: []float64{
				0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
			},
		}, []string{"method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "payonce_http_requests_in_flight", Help: "Requests that are being answered now.",
		}),
		accepts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "payonce_accepts_total",
			Help: "Submitted payments, by result: accepted, replayed, or the code of the problem they were answered with.",
		}, []string{"result"}),
	}
	if r == nil {
		return m, nil
	}
	return m, errors.Join(r.Register(m.requests), r.Register(m.duration), r.Register(m.inFlight), r.Register(m.accepts))
}

// route returns what counts the answers of one route.
func (m *metrics) route(rt route) func(*exchange, time.Duration) {
	method := rt.method
	if method == "" {
		method = "any"
	}
	duration := m.duration.WithLabelValues(method, rt.path)
	return func(x *exchange, took time.Duration) {
		m.requests.WithLabelValues(method, rt.path, strconv.Itoa(x.status)).Inc()
		if !x.waited {
			duration.Observe(took.Seconds())
		}
	}
}

func (m *metrics) accepted(res accept.Result, err error) {
	result := "accepted"
	switch {
	case err != nil:
		result = string(problemOf(err).code)
	case res.Replayed:
		result = "replayed"
	}
	m.accepts.WithLabelValues(result).Inc()
}
