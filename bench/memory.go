package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// memoryRun is the server's memory while payments wait.
type memoryRun struct {
	Start   usage   `json:"start"`   // nothing waits
	Waiting usage   `json:"waiting"` // all wait, right after the last was accepted
	Rate    float64 `json:"accepts_per_second"`
	Again   startRun
	Depth   int `json:"depth"`
}

// memory measures one server in which payments pile up, since Stripe cannot be reached; then the same after a restart.
func (b *bench) memory(ctx context.Context) (t *table, err error) {
	dir, remove, err := b.folder("memory")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	set := setting{data: data(dir), stripe: paused}
	r, err := b.pileUp(ctx, dir, set)
	if err != nil {
		return nil, err
	}
	if r.Again, err = b.startOnce(ctx, dir, set, false); err != nil {
		return nil, err
	}
	t = &table{
		Title:   "Memory with payments waiting",
		Load:    fmt.Sprintf("1 round: %d payments accepted over HTTP (closed loop, %d connections), none worked on; then a restart", b.waiting, b.connections),
		Columns: []string{"moment", "RSS MB", "highest RSS MB"},
		Data:    r,
	}
	mb := func(n int64) string { return fmt.Sprintf("%.0f", float64(n)/(1<<20)) }
	t.row("started, nothing waits", mb(r.Start.RSS), mb(r.Start.Peak))
	t.row(fmt.Sprintf("%d wait", r.Depth), mb(r.Waiting.RSS), mb(r.Waiting.Peak))
	t.row("restarted with them", mb(r.Again.Usage.RSS), mb(r.Again.Usage.Peak))
	t.note("accepted %.0f payments/s on the way; ready %.0f ms after the restart", r.Rate, r.Again.Ready)
	return t, nil
}

func (b *bench) pileUp(ctx context.Context, dir string, set setting) (r memoryRun, err error) {
	s, err := b.payonceServer(ctx, dir, set)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if r.Start, err = usageOf(s.pid()); err != nil {
		return r, err
	}
	b.note("memory: submitting %d payments", b.waiting)
	a, err := b.submit(ctx, loadOrder{URL: s.url, Key: s.key, Prefix: "m", Payments: b.waiting, Connections: b.connections})
	if err != nil {
		return r, err
	}
	r.Rate = a.perSecond()
	if r.Waiting, err = usageOf(s.pid()); err != nil {
		return r, err
	}
	o, err := s.overview(ctx)
	r.Depth = o.Queue.Visible + o.Queue.InFlight + o.Queue.Delayed
	return r, err
}

// startRun is one start.
type startRun struct {
	Serves float64 `json:"serves_ms"` // until the server says that it listens
	Ready  float64 `json:"ready_ms"`  // until GET /readyz answers 200
	Usage  usage   `json:"usage"`     // then
}

// startOnce starts the server on a folder, waits until it is ready, and stops it.
func (b *bench) startOnce(ctx context.Context, dir string, set setting, cold bool) (r startRun, err error) {
	if cold {
		if err := forgetStore(set.data); err != nil {
			return r, err
		}
	}
	start := time.Now()
	p, err := launch(ctx, dir, b.payonce, []string{
		"serve", "--data", set.data, "--listen", "127.0.0.1:0", "--stripe-url", set.stripe, "--log-level", b.logLevel,
		"--max-backlog", backlogBound,
	}, []string{"STRIPE_API_KEY=" + standInKey}, nil)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	r.Serves = float64(time.Since(start).Microseconds()) / 1000
	for {
		err := get(ctx, p.url+"/readyz", "", nil)
		if err == nil {
			break
		}
		if ctx.Err() != nil || time.Since(start) > startBound {
			return r, err
		}
	}
	r.Ready = float64(time.Since(start).Microseconds()) / 1000
	r.Usage, err = usageOf(p.pid())
	return r, err
}
