package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// warmUp payments come before what is measured: connections, caches and the heap's size settle.
const warmUp = 1000

// contestant is one way to take and charge a payment.
type contestant struct {
	name  string
	peer  bool
	flags []string // of payonce
}

const (
	twoSteps      = "payonce, two steps (default)"
	oneStep       = "payonce, one step"
	oneStepQuiet  = "payonce, one step, log level warn"
	twoStepsQuiet = "payonce, two steps, log level warn"
)

func contestants() []contestant {
	one := []string{"--charge-mode", "one_step"}
	quiet := []string{"--log-level", "warn"}
	return []contestant{
		{name: peerBare, peer: true},
		{name: peerBarePlain, peer: true},
		{name: peerLean, peer: true},
		{name: twoSteps},
		{name: oneStep, flags: one},
		{name: twoStepsQuiet, flags: quiet},
		{name: oneStepQuiet, flags: append(quiet, one...)},
	}
}

// wholeRun is one round of one contestant.
type wholeRun struct {
	CPU       float64   `json:"cpu_us"` // of the server, per payment
	PerSecond float64   `json:"payments_per_second"`
	Accept    latencies `json:"accept"`
	Written   float64   `json:"written_bytes"` // per payment
	RSS       int64     `json:"rss_bytes"`
}

// whole measures accept to settled.
func (b *bench) whole(ctx context.Context) (*table, error) {
	all := contestants()
	runs := map[string][]wholeRun{}
	for round := range b.rounds {
		for _, c := range all {
			r, err := b.wholePath(ctx, c, b.payments, round)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			b.note("whole path, round %d: %s: %.0f us, %.0f/s", round+1, c.name, r.CPU, r.PerSecond)
			runs[c.name] = append(runs[c.name], r)
		}
	}
	t := &table{
		Title: "Whole path: accept to settled",
		Load: fmt.Sprintf("%d rounds, interleaved, of %d payments after %d to warm up; closed loop, %d connections; Stripe stand-in, no latency, in memory",
			b.rounds, b.payments, warmUp, b.connections),
		Columns: []string{"server", "CPU us/payment", "x bare", "x bare, not expanded", "x lean bare", "payments/s end to end", "x bare", "answer p50/p99 ms", "RSS MB"},
		Data:    runs,
	}
	cpu := func(name string) spread { return of(runs[name], func(r wholeRun) float64 { return r.CPU }) }
	rate := func(name string) spread { return of(runs[name], func(r wholeRun) float64 { return r.PerSecond }) }
	for _, c := range all {
		p50 := of(runs[c.name], func(r wholeRun) float64 { return r.Accept.P50 / 1000 })
		p99 := of(runs[c.name], func(r wholeRun) float64 { return r.Accept.P99 / 1000 })
		rss := of(runs[c.name], func(r wholeRun) float64 { return float64(r.RSS) / (1 << 20) })
		t.row(c.name, cpu(c.name).text(0), ratios(cpu(c.name), cpu(peerBare)).text(2), ratios(cpu(c.name), cpu(peerBarePlain)).text(2),
			ratios(cpu(c.name), cpu(peerLean)).text(2), rate(c.name).text(0), ratios(rate(c.name), rate(peerBare)).text(2),
			fmt.Sprintf("%.1f / %.1f", p50.Median, p99.Median), fmt.Sprintf("%.0f", rss.Median))
	}
	t.note("CPU is user and system time of the server's process alone, from before the first measured payment until all are settled")
	t.note("bare answers after Stripe has, payonce before: their answer times are not the same thing, and both are under saturation")
	return t, nil
}

// wholePath runs one contestant against a fresh stand-in, and payonce on a fresh folder.
func (b *bench) wholePath(ctx context.Context, c contestant, payments, round int) (r wholeRun, err error) {
	dir, remove, err := b.folder("whole")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	sandbox, err := b.sandbox(ctx, dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, sandbox.stop()) }()
	s, err := b.contest(ctx, dir, c, sandbox.url)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()

	o := loadOrder{URL: s.url, Key: s.key, Prefix: fmt.Sprintf("w%d", round), Payments: warmUp, Connections: b.connections}
	if _, err := b.submit(ctx, o); err != nil {
		return r, err
	}
	if _, err := s.settled(ctx, warmUp); err != nil {
		return r, err
	}
	before, err := usageOf(s.pid())
	if err != nil {
		return r, err
	}
	o.Prefix, o.Payments = fmt.Sprintf("m%d", round), payments
	a, err := b.submit(ctx, o)
	if err != nil {
		return r, err
	}
	end, err := s.settled(ctx, warmUp+payments)
	if err != nil {
		return r, err
	}
	if s.key == "" {
		end = a.Ended
	}
	after, err := usageOf(s.pid())
	if err != nil {
		return r, err
	}
	n, most, err := charges(ctx, sandbox)
	if err == nil && (n != warmUp+payments || most > 1) {
		err = fmt.Errorf("the stand-in charged %d times for %d payments, at most %d times for one", n, warmUp+payments, most)
	}
	return wholeRun{
		CPU: perPayment(after.CPU-before.CPU, payments), PerSecond: float64(payments) / end.Sub(a.Began).Seconds(),
		Accept: a.Latency, Written: float64(after.Written-before.Written) / float64(payments), RSS: after.RSS,
	}, err
}

func (b *bench) contest(ctx context.Context, dir string, c contestant, stripe string) (*server, error) {
	if c.peer {
		p, err := b.serve(ctx, dir, partPeer, peerOrder{Kind: c.name, Stripe: stripe})
		return &server{process: p}, err
	}
	s, err := b.payonceServer(ctx, dir, setting{data: data(dir), stripe: stripe, flags: c.flags})
	if err != nil {
		err = fmt.Errorf("payonce %s: %w", strings.Join(c.flags, " "), err)
	}
	return s, err
}
