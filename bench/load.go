package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// loadOrder asks for payments to be submitted.
type loadOrder struct {
	URL         string // of the server, without a path
	Key         string // API key
	Prefix      string // makes the keys and references of this load its own
	Payments    int
	Connections int // keep-alive, each with one request under way at most
	// PerSecond is an open loop: payment n is due at n/PerSecond, whatever became of those before, and its latency
	// counts from then. 0 is a closed loop: each connection sends its next payment when its last was answered.
	PerSecond float64
}

type loadAnswer struct {
	Began   time.Time   `json:"began"` // before the first byte
	Ended   time.Time   `json:"ended"` // after the last answer
	Status  map[int]int `json:"status"`
	Latency latencies   `json:"latency"` // from when a payment was due
	Served  latencies   `json:"served"`  // from when it was sent
	Late    latencies   `json:"late"`    // between the two: the generator's own lateness
}

func (a loadAnswer) perSecond() float64 {
	n := 0
	for _, c := range a.Status {
		n += c
	}
	return float64(n) / a.Ended.Sub(a.Began).Seconds()
}

// loadPart is the load generator. It is lean, since it shares the machine with what it measures: requests are made of
// a fixed text, and answers are read and not decoded.
func loadPart(ctx context.Context, in io.Reader, out, _ io.Writer) error {
	var o loadOrder
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return err
	}
	callers := make([]*caller, o.Connections)
	for i := range callers {
		c, err := dial(ctx, &o)
		if err != nil {
			return err
		}
		defer c.close()
		callers[i] = c
	}
	a, err := load(ctx, &o, callers)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(a)
}

func load(ctx context.Context, o *loadOrder, callers []*caller) (loadAnswer, error) {
	a := loadAnswer{Began: time.Now(), Status: map[int]int{}}
	var next atomic.Int64
	var all sync.WaitGroup
	for _, c := range callers {
		all.Go(func() {
			for n := next.Add(1) - 1; n < int64(o.Payments) && c.err == nil && ctx.Err() == nil; n = next.Add(1) - 1 {
				due := time.Now()
				if o.PerSecond > 0 {
					due = a.Began.Add(time.Duration(float64(n) / o.PerSecond * float64(time.Second)))
					time.Sleep(time.Until(due))
				}
				c.submit(n, due)
			}
		})
	}
	all.Wait()
	a.Ended = time.Now()
	var took, served, late []time.Duration
	for _, c := range callers {
		if c.err != nil {
			return a, c.err
		}
		took, served, late = append(took, c.took...), append(served, c.served...), append(late, c.late...)
		for status, n := range c.status {
			a.Status[status] += n
		}
	}
	a.Latency, a.Served, a.Late = percentiles(took), percentiles(served), percentiles(late)
	return a, ctx.Err()
}

// submit runs a load generator in a process of its own. Every payment must be accepted: a refusal is quick, and would
// look like speed.
func (b *bench) submit(ctx context.Context, o loadOrder) (loadAnswer, error) {
	a, err := ask[loadAnswer](ctx, b, partLoad, o)
	if err != nil {
		return a, err
	}
	for status, n := range a.Status {
		if status/100 != 2 {
			return a, fmt.Errorf("%d of %d payments were answered with %d", n, o.Payments, status)
		}
	}
	return a, nil
}
