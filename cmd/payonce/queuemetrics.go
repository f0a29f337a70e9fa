package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/payonce/payonce/accept"
)

// queueMetrics reads the queue's depth when it is asked.
type queueMetrics struct {
	queue accept.Depth
	depth *prometheus.Desc
	age   *prometheus.Desc
}

// depthBound bounds one reading, so that a scrape cannot hang on a store that does.
const depthBound = time.Second

func newQueueMetrics(queue accept.Depth) *queueMetrics {
	return &queueMetrics{
		queue: queue,
		depth: prometheus.NewDesc("payonce_queue_messages", "Work messages in the queue, by whether they are visible, in flight or delayed.", []string{"state"}, nil),
		age:   prometheus.NewDesc("payonce_queue_oldest_age_seconds", "Age of the oldest message in the queue, in seconds; 0 if it is empty.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (m *queueMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- m.depth
	to <- m.age
}

// Collect implements prometheus.Collector. A depth that cannot be read is left out.
func (m *queueMetrics) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), depthBound)
	defer cancel()
	d, err := m.queue.Depth(ctx)
	if err != nil {
		return
	}
	for state, n := range map[string]int{"visible": d.Visible, "in_flight": d.InFlight, "delayed": d.Delayed} {
		to <- prometheus.MustNewConstMetric(m.depth, prometheus.GaugeValue, float64(n), state)
	}
	age := 0.0
	if !d.Oldest.IsZero() {
		age = max(time.Since(d.Oldest).Seconds(), 0)
	}
	to <- prometheus.MustNewConstMetric(m.age, prometheus.GaugeValue, age)
}
