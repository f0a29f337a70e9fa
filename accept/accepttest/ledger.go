// Package accepttest is a ledger for the tests of whatever stands in front of one: engine/memory, with failures on
// request and a view of what was written. No worker runs on it.
package accepttest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/payonce/payonce/engine/memory"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
	"github.com/payonce/payonce/read"
)

// Oldest is when the oldest message was sent, as Depth tells it.
var Oldest = time.Date(2026, 3, 1, 10, 59, 0, 0, time.UTC)

// Ledger is a memory.Store that can be made to fail. The exported members change only while nobody uses it.
type Ledger struct {
	*memory.Store

	// NotAtomic is the opposite of AtomicAccept.
	NotAtomic bool
	// Before, if set, is called ahead of each Commit; its error is returned and nothing is written.
	Before func(idempotency.Change) error
	// After, if set, is called behind each Commit; its error is returned although everything was written.
	After func(idempotency.Change) error
	// Reads, if set, is called ahead of each read; its error is returned.
	Reads func() error
	// Extra is added to the depth of the queue.
	Extra int
	// Generation and Pruned are what Events gives.
	Generation uint64
	Pruned     int64

	mu       sync.Mutex
	order    []events.ID
	messages []idempotency.Message
	loads    int
}

// New returns an empty Ledger of generation 1.
func New() *Ledger { return &Ledger{Store: memory.Open(memory.Config{}), Generation: 1} }

// Load implements idempotency.Ledger.
func (l *Ledger) Load(ctx context.Context, id events.ID) (idempotency.Record, error) {
	if err := l.reading(); err != nil {
		return idempotency.Record{}, err
	}
	l.mu.Lock()
	l.loads++
	l.mu.Unlock()
	return l.Store.Load(ctx, id)
}

func (l *Ledger) reading() error {
	if l.Reads != nil {
		return l.Reads()
	}
	return nil
}

// Commit implements idempotency.Ledger.
func (l *Ledger) Commit(ctx context.Context, c idempotency.Change) error {
	if l.Before != nil {
		if err := l.Before(c); err != nil {
			return err
		}
	}
	if err := l.Store.Commit(ctx, c); err != nil {
		return err
	}
	l.mu.Lock()
	l.messages = append(l.messages, c.Messages...)
	if c.Record != nil && c.Expect == 0 {
		l.order = append(l.order, c.Record.ID)
	}
	l.mu.Unlock()
	if l.After != nil {
		return l.After(c)
	}
	return nil
}

// AtomicAccept implements idempotency.Ledger.
func (l *Ledger) AtomicAccept() bool { return !l.NotAtomic }

// Depth implements accept.Depth.
func (l *Ledger) Depth(ctx context.Context) (queue.Depth, error) {
	if err := l.reading(); err != nil {
		return queue.Depth{}, err
	}
	d, err := l.Store.Depth(ctx)
	d.Visible += l.Extra
	if !d.Oldest.IsZero() {
		d.Oldest = Oldest
	}
	return d, err
}

// List implements read.Reader.
func (l *Ledger) List(ctx context.Context, f read.Filter) (read.Page, error) {
	if err := l.reading(); err != nil {
		return read.Page{}, err
	}
	return l.Store.List(ctx, f)
}

// Events implements read.Reader.
func (l *Ledger) Events(ctx context.Context, tenant string, after int64, limit int) (read.Feed, error) {
	if err := l.reading(); err != nil {
		return read.Feed{}, err
	}
	feed, err := l.Store.Events(ctx, tenant, max(after, l.Pruned), limit)
	feed.Pruned, feed.Generation = l.Pruned, l.Generation
	return feed, err
}

// Overview implements read.Reader.
func (l *Ledger) Overview(ctx context.Context, tenant string) (read.Overview, error) {
	if err := l.reading(); err != nil {
		return read.Overview{}, err
	}
	return l.Store.Overview(ctx, tenant)
}

// Messages gives what was put on the queue so far.
func (l *Ledger) Messages() []idempotency.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.messages)
}

// Records gives all records, in the order they were made.
func (l *Ledger) Records() []idempotency.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]idempotency.Record, len(l.order))
	for i, id := range l.order {
		r, err := l.Store.Load(context.Background(), id)
		if err != nil {
			panic(err) // it was stored
		}
		all[i] = r
	}
	return all
}

// Loads counts the calls of Load.
func (l *Ledger) Loads() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.loads
}

// Change edits a stored record as a worker's commit would, and appends its outcome if it is then final.
func (l *Ledger) Change(id events.ID, edit func(*idempotency.Record)) {
	r, err := l.Store.Load(context.Background(), id)
	if err != nil {
		panic(err) // a test that changes what it has not made
	}
	c := idempotency.Change{Record: &r, Expect: r.Version}
	edit(&r)
	r.Version++
	if r.State.Final() {
		o := r.Outcome()
		c.Outcome = &o
	}
	if err := l.Store.Commit(context.Background(), c); err != nil {
		panic(err) // a test that changes one record from two sides
	}
}
