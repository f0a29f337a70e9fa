package main

import (
	"context"
	"errors"
	"fmt"
)

// latencyRun is one round: the bare loop, then the server at half of the knee.
type latencyRun struct {
	Bare   syncAnswer `json:"append_fdatasync"`
	Accept latencies  `json:"accept"`
	Served latencies  `json:"accept_from_sending"`
	Late   latencies  `json:"sent_late"`
	Sent   int        `json:"payments"`
}

// latency measures how long an accept takes when the machine is half busy, against what the disk alone takes.
// The bare loop and the load alternate, so that both meet the same disk in the same minutes.
func (b *bench) latency(ctx context.Context) (t *table, err error) {
	knee, err := b.findKnee(ctx)
	if err != nil {
		return nil, err
	}
	rate := knee / 2
	dir, remove, err := b.folder("latency")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	sandbox, err := b.sandbox(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sandbox.stop()) }()
	s, err := b.payonceServer(ctx, dir, setting{data: data(dir), stripe: sandbox.url})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()

	order := loadOrder{URL: s.url, Key: s.key, Prefix: "w", Payments: warmUp, Connections: b.connections}
	if _, err := b.submit(ctx, order); err != nil {
		return nil, err
	}
	total := warmUp
	// The log was started over at least once in each round, if rounds are long enough: the store does so every 64 MiB.
	order.PerSecond, order.Payments, order.Connections = rate, int(rate)*b.seconds, 4*b.connections
	var runs []latencyRun
	for round := range b.rounds {
		if _, err := s.settled(ctx, total); err != nil {
			return nil, err
		}
		bare, err := ask[syncAnswer](ctx, b, partSync, syncOrder{Dir: dir, Seconds: b.seconds, Bytes: syncBytes})
		if err != nil {
			return nil, err
		}
		order.Prefix = fmt.Sprintf("m%d", round)
		a, err := b.submit(ctx, order)
		if err != nil {
			return nil, err
		}
		total += order.Payments
		runs = append(runs, latencyRun{Bare: bare, Accept: a.Latency, Served: a.Served, Late: a.Late, Sent: order.Payments})
		b.note("latency, round %d: accept p99 %.2f ms, bare p99 %.2f ms", round+1, a.Latency.P99/1000, bare.Latency.P99/1000)
	}
	if _, err := s.settled(ctx, total); err != nil {
		return nil, err
	}
	u, err := usageOf(s.pid())
	if err != nil {
		return nil, err
	}
	t = latencyTable(runs)
	t.Load = fmt.Sprintf("%d rounds of %d s each of a bare loop and of an open loop at %.0f payments/s, half of %.0f/s (end to end, closed loop, two steps); "+
		"payments are charged meanwhile", b.rounds, b.seconds, rate, knee)
	t.note("the server gave %.0f MB to the disk meanwhile; the store starts its log over every 64 MiB, and those moments are in", float64(u.Written)/(1<<20))
	return t, nil
}

func latencyTable(runs []latencyRun) *table {
	t := &table{
		Title:   "Latency of accept at half of the knee",
		Columns: []string{"what", "p50 ms", "p99 ms", "p99.9 ms", "max ms"},
		Data:    runs,
	}
	row := func(name string, of1 func(latencyRun) latencies) (p50, p99 spread) {
		figure := func(f func(latencies) float64) spread {
			return of(runs, func(r latencyRun) float64 { return f(of1(r)) / 1000 })
		}
		p50, p99 = figure(func(l latencies) float64 { return l.P50 }), figure(func(l latencies) float64 { return l.P99 })
		t.row(name, p50.text(2), p99.text(2), figure(func(l latencies) float64 { return l.P999 }).text(2),
			figure(func(l latencies) float64 { return l.Max }).text(2))
		return p50, p99
	}
	bare50, bare99 := row("bare append of 4 KiB + fdatasync", func(r latencyRun) latencies { return r.Bare.Latency })
	accept50, accept99 := row("payonce accept, from the moment it was due", func(r latencyRun) latencies { return r.Accept })
	served50, served99 := row("payonce accept, from the moment it was sent", func(r latencyRun) latencies { return r.Served })
	row("the generator's own lateness", func(r latencyRun) latencies { return r.Late })
	t.row("accept, from due, x bare", ratios(accept50, bare50).text(2), ratios(accept99, bare99).text(2), "", "")
	t.row("accept, from sent, x bare", ratios(served50, bare50).text(2), ratios(served99, bare99).text(2), "", "")
	t.note("lateness of the generator beyond a millisecond means that the cores were taken: then no latency here says much of the store")
	return t
}

// findKnee is what the whole path bears now. It is measured right before it is used: on a machine with company, the
// knee of ten minutes ago may be another.
func (b *bench) findKnee(ctx context.Context) (float64, error) {
	r, err := b.wholePath(ctx, contestant{name: twoSteps}, b.payments, 0)
	return r.PerSecond, err
}
