package embedded

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// Bounds of what the queue keeps in memory of messages that nobody has received yet.
const (
	readyLow    = 512  // with fewer ready ones, more are read from the table
	readLimit   = 2048 // rows per read
	delayedMost = 4096 // delayed ones in memory; beyond twice as many the later half is forgotten
)

// shelf is the state of the queue in memory: who has what, until when. The table message says only what is there.
//
// Rows without column avail are read in the order of mid: those up to loaded are in memory, those above are not.
// Rows with avail are read in the order of (avail, mid): those up to horizon are in memory.
// A message that was received stays in memory until it is deleted. Safe for concurrent use.
type shelf struct {
	now  func() time.Time
	boot uint64
	rows *backlog

	mu       sync.Mutex
	messages map[int64]*message
	ready    fifo
	timers   timers
	oldest   mids // of messages; may hold some that have gone
	total    int  // rows in the table
	hidden   int
	leaving  int
	delayed  int // in memory
	late     int // delayed ones that this process never delivered: they can be read again
	beyond   int // rows behind the horizon
	loaded   int64
	top      int64 // highest mid that was published
	horizon  mark
	limited  bool // horizon counts; else every delayed row is in memory

	deliveries uint64
	waiting    []chan struct{} // Receive calls, first come first served
	timer      *time.Timer
	timerAt    time.Time
	closed     bool
}

// mark is a place in the order of delayed rows.
type mark struct {
	avail idempotency.Instant
	mid   int64
}

func (a mark) after(b mark) bool {
	return a.avail > b.avail || a.avail == b.avail && a.mid > b.mid
}

func newShelf(ctx context.Context, c Config, boot uint64) (*shelf, error) {
	rows, err := openBacklog(ctx, c.Dir)
	if err != nil {
		return nil, err
	}
	q := &shelf{now: c.Clock, boot: boot, rows: rows, messages: map[int64]*message{}}
	q.total, q.beyond, q.top, err = rows.count(ctx)
	if err != nil {
		return nil, joinClose(err, rows)
	}
	rows.oldTop = q.top
	q.limited = q.beyond > 0
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.settle(ctx); err != nil {
		return nil, joinClose(err, rows)
	}
	return q, nil
}

// close is the end, after the last call.
func (q *shelf) close() error { return q.rows.close() }

// shut wakes everybody who waits.
func (q *shelf) shut() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	if q.timer != nil {
		q.timer.Stop()
	}
	for _, w := range q.waiting {
		close(w)
	}
	q.waiting = nil
}

// poke looks at the clock.
func (q *shelf) poke() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	if q.settle(context.Background()) != nil {
		q.wake(1) // it meets the error of the table itself, and has somebody to tell
		q.arm()
	}
}

// publish takes over messages whose rows were just committed, in the order of mid.
func (q *shelf) publish(batch []*message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.total += len(batch)
	for _, m := range batch {
		at := mark{m.avail, m.mid}
		switch {
		case m.avail != 0 && q.limited && at.after(q.horizon):
			q.beyond++
		case m.avail != 0:
			q.keep(m)
			q.wait(m, isDelayed)
			q.late++
		case q.loaded == q.top && q.ready.len() < readLimit:
			q.keep(m)
			q.offer(m)
		default: // it is read from the table when its turn comes
			if q.loaded == q.top {
				q.loaded = m.mid - 1
			}
			q.top = m.mid
			continue
		}
		if q.loaded == q.top {
			q.loaded = m.mid
		}
		q.top = m.mid
	}
	if q.late > 2*delayedMost {
		q.forget()
	}
	q.wake(q.ready.len() + q.unread())
	q.arm()
}

// settle moves what has become visible to the ready ones and reads more from the table where these run low.
func (q *shelf) settle(ctx context.Context) error {
	now := q.now()
	q.promote(now)
	for q.ready.len() < readyLow && q.loaded < q.top {
		if err := q.readMore(ctx); err != nil {
			return err
		}
	}
	for q.limited && q.late < delayedMost/2 && q.ready.len() < readLimit {
		if err := q.readDelayed(ctx, now); err != nil {
			return err
		}
		q.promote(now)
	}
	q.wake(q.ready.len())
	q.arm()
	return nil
}

// promote ends what is hidden or delayed no longer.
func (q *shelf) promote(now time.Time) {
	for len(q.timers) > 0 && !q.timers[0].until.After(now) {
		m := q.timers[0]
		q.unwait(m)
		q.offer(m)
	}
}

// readMore reads the next rows without avail.
func (q *shelf) readMore(ctx context.Context) error {
	batch, err := q.rows.next(ctx, q.loaded, q.top)
	if err != nil {
		return err
	}
	for _, m := range batch {
		q.keep(m)
		q.offer(m)
	}
	if len(batch) < readLimit {
		q.loaded = q.top
	} else {
		q.loaded = batch[len(batch)-1].mid
	}
	return nil
}

// readDelayed reads the next rows with avail.
func (q *shelf) readDelayed(ctx context.Context, now time.Time) error {
	batch, err := q.rows.delayed(ctx, q.horizon, q.top)
	if err != nil {
		return err
	}
	for _, m := range batch {
		q.horizon = mark{m.avail, m.mid}
		// No delay is longer than the limit, whatever the clock did since the row was written.
		m.until = now.Add(min(m.avail.Time().Sub(now), queue.MaxDelay))
		q.keep(m)
		q.wait(m, isDelayed)
		q.late++
	}
	q.beyond -= len(batch)
	if len(batch) < readLimit {
		q.limited, q.beyond = false, 0
	}
	return nil
}

// forget drops the later half of the delayed messages that were never delivered: their rows are read again in time.
func (q *shelf) forget() {
	var all []*message
	for _, m := range q.timers {
		if m.reread() {
			all = append(all, m)
		}
	}
	sortByAvail(all)
	if len(all) <= delayedMost {
		return
	}
	last := all[delayedMost-1]
	q.horizon, q.limited = mark{last.avail, last.mid}, true
	for _, m := range all[delayedMost:] {
		q.unwait(m)
		delete(q.messages, m.mid)
		q.beyond++
	}
}

// keep takes a message into memory.
func (q *shelf) keep(m *message) {
	m.index = -1
	q.messages[m.mid] = m
	heap.Push(&q.oldest, m.mid)
	if len(q.oldest) > 2*len(q.messages)+1024 {
		q.oldest = q.oldest[:0]
		for mid := range q.messages {
			q.oldest = append(q.oldest, mid)
		}
		heap.Init(&q.oldest)
	}
}

// offer makes a message ready.
func (q *shelf) offer(m *message) {
	m.place = isReady
	q.ready.push(m)
}

// wait hides or delays a message until m.until.
func (q *shelf) wait(m *message, p place) {
	m.place = p
	if p == isHidden {
		q.hidden++
	} else {
		q.delayed++
	}
	heap.Push(&q.timers, m)
}

// unwait takes a message from where wait put it.
func (q *shelf) unwait(m *message) {
	heap.Remove(&q.timers, m.index)
	switch {
	case m.place == isHidden:
		q.hidden--
	case m.reread():
		q.delayed--
		q.late--
	default:
		q.delayed--
	}
}

// reread reports whether a message may be forgotten while it is delayed, since its row is read again.
func (m *message) reread() bool { return m.place == isDelayed && m.delivery == 0 && m.avail != 0 }

// unread is how many rows without avail are not in memory, at most.
func (q *shelf) unread() int { return int(min(q.top-q.loaded, readLimit)) }

// gone takes a deleted message out of memory.
func (q *shelf) gone(m *message) {
	if q.messages[m.mid] == m {
		delete(q.messages, m.mid)
		q.total--
	}
}
