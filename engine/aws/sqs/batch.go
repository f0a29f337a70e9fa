package sqs

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/payonce/payonce/queue"
)

// Limits of one call.
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
const (
	maxEntries    = 10
	maxBatchBytes = 1 << 20
)

// batcher lets concurrent callers share calls. Entries go out in the order in which they came, as soon as a lane is free
// and one of these is true: a call is full, the first entry has waited for linger, or nobody else is expected.
// Safe for concurrent use.
type batcher[T any] struct {
	run    func(ctx context.Context, items []T) []error // one verdict per item; bounded by itself
	size   func(T) int                                  // bytes of an item
	linger time.Duration                                // 0 or less: none
	lanes  int                                          // calls under way at most
	// alone reports whether no other caller is about to come, given what waits and what is under way. It is called with
	// the batcher locked.
	alone func(waiting, underWay int) bool

	mu      sync.Mutex
	waiting []*entry[T]
	timer   *time.Timer // nil: none runs
	due     bool        // the first of those waiting has waited for long enough
	busy    int         // lanes
	flying  int         // entries in them
	closed  bool
	empty   chan struct{} // closed when the batcher is and nothing is left
}

// entry is one item on its way.
type entry[T any] struct {
	item T
	came time.Time
	ctx  context.Context //nolint:containedctx // of the caller: its values go along with the call, its end does not
	done chan struct{}
	err  error // once done
}

func newBatcher[T any](b *batcher[T]) *batcher[T] {
	b.empty = make(chan struct{})
	return b
}

// put hands items over. ErrClosed, or ErrLimit for one that fits in no call; then none was taken.
func (b *batcher[T]) put(ctx context.Context, items ...T) ([]*entry[T], error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, queue.ErrClosed
	}
	out := make([]*entry[T], len(items))
	for i, item := range items {
		if b.size(item) > maxBatchBytes {
			return nil, ErrLimit
		}
		out[i] = &entry[T]{item: item, came: time.Now(), ctx: ctx, done: make(chan struct{})}
	}
	b.waiting = append(b.waiting, out...)
	b.pump()
	return out, nil
}

// wait waits for the verdict of an entry. When ctx ends first, an entry that is not yet on its way is taken back; one
// that is may take effect all the same.
func (b *batcher[T]) wait(ctx context.Context, e *entry[T]) error {
	select {
	case <-e.done:
		return e.err
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.waiting, e); i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
		b.pump()
	}
	select {
	case <-e.done:
		return e.err
	default:
		return ctx.Err()
	}
}

// pump starts what may start. Locked.
func (b *batcher[T]) pump() {
	for len(b.waiting) > 0 && b.busy < b.lanes {
		n, full := b.load()
		if !full && !b.now() {
			b.arm()
			return
		}
		b.start(n)
	}
	if len(b.waiting) == 0 {
		b.disarm()
		if b.closed && b.busy == 0 {
			close(b.empty)
		}
	}
}

// load is how many of those waiting fit in one call, and whether no more would.
func (b *batcher[T]) load() (n int, full bool) {
	bytes := 0
	for _, e := range b.waiting {
		bytes += b.size(e.item)
		if n == maxEntries || bytes > maxBatchBytes {
			return n, true
		}
		n++
	}
	return n, n == maxEntries
}

func (b *batcher[T]) now() bool {
	return b.closed || b.due || b.linger <= 0 || b.alone(len(b.waiting), b.flying)
}

// arm sets the timer to the moment when the first of those waiting has waited for linger.
func (b *batcher[T]) arm() {
	if b.timer != nil {
		return
	}
	var t *time.Timer
	t = time.AfterFunc(max(b.linger-time.Since(b.waiting[0].came), 0), func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.timer == t { // not one that was stopped too late
			b.timer, b.due = nil, true
			b.pump()
		}
	})
	b.timer = t
}

func (b *batcher[T]) disarm() {
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
	b.due = false
}

// start sends the first n of those waiting. The call outlives its callers: one that leaves does not take the others'.
func (b *batcher[T]) start(n int) {
	batch := slices.Clone(b.waiting[:n])
	b.waiting = slices.Delete(b.waiting, 0, n)
	b.disarm()
	b.busy++
	b.flying += n
	go func() {
		items := make([]T, n)
		for i, e := range batch {
			items[i] = e.item
		}
		verdicts := b.run(context.WithoutCancel(batch[0].ctx), items)
		b.mu.Lock()
		defer b.mu.Unlock()
		for i, e := range batch {
			e.err = verdicts[i]
			close(e.done)
		}
		b.busy--
		b.flying -= n
		b.pump()
	}()
}

// close takes nothing more, sends what waits, and waits for the end of all calls.
func (b *batcher[T]) close() {
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		b.pump()
	}
	b.mu.Unlock()
	<-b.empty
}
