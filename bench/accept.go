package main

import (
	"context"
	"errors"
	"fmt"
)

// acceptRun is one round of one server.
type acceptRun struct {
	CPU       float64   `json:"cpu_us"`
	PerSecond float64   `json:"accepts_per_second"`
	Latency   latencies `json:"latency"`
	Written   float64   `json:"written_bytes"` // per accept
}

// accept measures the answer 202 alone: workers stand still, since Stripe cannot be reached.
func (b *bench) accept(ctx context.Context) (*table, error) {
	const durable, quiet = "payonce accept", "payonce accept, log level warn"
	all := []contestant{{name: peerJSON, peer: true}, {name: durable}, {name: quiet, flags: []string{"--log-level", "warn"}}}
	runs := map[string][]acceptRun{}
	for round := range b.rounds {
		for _, c := range all {
			r, err := b.accepts(ctx, c, round)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			b.note("accept, round %d: %s: %.0f us, %.0f/s", round+1, c.name, r.CPU, r.PerSecond)
			runs[c.name] = append(runs[c.name], r)
		}
	}
	t := &table{
		Title: "Accept alone: durable 202 with workers paused",
		Load: fmt.Sprintf("%d rounds, interleaved, of %d requests after %d to warm up; closed loop, %d connections",
			b.rounds, b.requests, warmUp, b.connections),
		Columns: []string{"server", "CPU us/accept", "x JSON handler", "accepts/s", "p50/p99 ms", "bytes to disk/accept"},
		Data:    runs,
	}
	cpu := func(name string) spread { return of(runs[name], func(r acceptRun) float64 { return r.CPU }) }
	for _, c := range all {
		rate := of(runs[c.name], func(r acceptRun) float64 { return r.PerSecond })
		p50 := of(runs[c.name], func(r acceptRun) float64 { return r.Latency.P50 / 1000 })
		p99 := of(runs[c.name], func(r acceptRun) float64 { return r.Latency.P99 / 1000 })
		written := of(runs[c.name], func(r acceptRun) float64 { return r.Written })
		t.row(c.name, cpu(c.name).text(1), ratios(cpu(c.name), cpu(peerJSON)).text(2), rate.text(0),
			fmt.Sprintf("%.1f / %.1f", p50.Median, p99.Median), written.text(0))
	}
	t.note("the JSON handler is net/http and encoding/json: it decodes the payment, answers 202 and stores nothing")
	return t, nil
}

func (b *bench) accepts(ctx context.Context, c contestant, round int) (r acceptRun, err error) {
	dir, remove, err := b.folder("accept")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	s, err := b.contest(ctx, dir, c, paused)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	o := loadOrder{URL: s.url, Key: s.key, Prefix: fmt.Sprintf("w%d", round), Payments: warmUp, Connections: b.connections}
	if _, err := b.submit(ctx, o); err != nil {
		return r, err
	}
	before, err := usageOf(s.pid())
	if err != nil {
		return r, err
	}
	o.Prefix, o.Payments = fmt.Sprintf("m%d", round), b.requests
	a, err := b.submit(ctx, o)
	if err != nil {
		return r, err
	}
	after, err := usageOf(s.pid())
	if err != nil {
		return r, err
	}
	return acceptRun{
		CPU: perPayment(after.CPU-before.CPU, o.Payments), PerSecond: a.perSecond(), Latency: a.Latency,
		Written: float64(after.Written-before.Written) / float64(o.Payments),
	}, nil
}
