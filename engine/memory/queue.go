package memory

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// messages is the queue. The Store's lock guards it.
type messages struct {
	next  uint64
	all   map[uint64]*message
	ring  chan struct{} // has one element when something may have become visible
	close chan struct{}
}

type message struct {
	id        uint64
	operation events.ID
	trace     string
	sent      time.Time
	visible   time.Time
	receives  int
	inFlight  bool
	delivery  uint64 // counts deliveries, released ones too: the receipt's second half
}

func newMessages() messages {
	return messages{all: map[uint64]*message{}, ring: make(chan struct{}, 1), close: make(chan struct{})}
}

func (q *messages) send(m idempotency.Message, now time.Time) {
	q.next++
	q.all[q.next] = &message{id: q.next, operation: m.Operation, trace: m.Trace, sent: now, visible: now.Add(m.Delay)}
	q.wake()
}

func (q *messages) wake() {
	select {
	case q.ring <- struct{}{}:
	default:
	}
}

// TryReceive is Receive without waiting: what is visible now, up to max, maybe nothing.
func (s *Store) TryReceive(limit int, visibility time.Duration) []queue.Delivery {
	got, _ := s.take(limit, visibility)
	return got
}

// take hands out visible messages, the longest visible first, and tells when the next one comes.
func (s *Store) take(limit int, visibility time.Duration) (got []queue.Delivery, next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.c.Clock()
	var ready []*message
	for _, m := range s.queue.all {
		if !m.visible.After(now) {
			ready = append(ready, m)
		} else if next.IsZero() || m.visible.Before(next) {
			next = m.visible
		}
	}
	slices.SortFunc(ready, func(a, b *message) int {
		return cmp.Or(a.visible.Compare(b.visible), cmp.Compare(a.id, b.id))
	})
	for _, m := range ready[:min(len(ready), limit)] {
		m.visible, m.inFlight = now.Add(visibility), true
		m.receives++
		m.delivery++
		got = append(got, queue.Delivery{
			Receipt: receipt(m), Operation: m.operation, Trace: m.trace, Receives: m.receives, Enqueued: m.sent,
		})
	}
	if len(ready) > limit {
		s.queue.wake() // for others that wait
	}
	return got, next
}

func receipt(m *message) queue.Receipt {
	return queue.Receipt(strconv.FormatUint(m.id, 36) + "." + strconv.FormatUint(m.delivery, 36))
}

// Receive implements queue.Consumer. It waits by the wall clock for the time that Config.Clock says is left.
func (s *Store) Receive(ctx context.Context, limit int, visibility time.Duration) ([]queue.Delivery, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.fail("receive"); err != nil {
			return nil, err
		}
		got, next := s.take(limit, visibility)
		if len(got) > 0 {
			return got, nil
		}
		var timer <-chan time.Time
		if !next.IsZero() {
			t := time.NewTimer(max(next.Sub(s.c.Clock()), time.Millisecond))
			defer t.Stop()
			timer = t.C
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.queue.close:
			return nil, queue.ErrClosed
		case <-s.queue.ring:
		case <-timer:
		}
	}
}

// find is the message of a receipt that is still ours to use.
func (s *Store) find(r queue.Receipt) (m *message, deleted bool) {
	text := string(r)
	for i := range text {
		if text[i] != '.' {
			continue
		}
		id, err := strconv.ParseUint(text[:i], 36, 64)
		if err != nil || id == 0 || id > s.queue.next {
			return nil, false
		}
		m, ok := s.queue.all[id]
		if !ok {
			return nil, true
		}
		if receipt(m) != r || !m.inFlight {
			return nil, false
		}
		return m, false
	}
	return nil, false
}

// Extend implements queue.Consumer.
func (s *Store) Extend(ctx context.Context, receipts []queue.Receipt, visibility time.Duration) ([]error, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := make([]error, len(receipts))
	for i, r := range receipts {
		if m, _ := s.find(r); m != nil {
			m.visible = s.c.Clock().Add(visibility)
		} else {
			errs[i] = queue.ErrStaleReceipt
		}
	}
	return errs, nil
}

// Release implements queue.Consumer.
func (s *Store) Release(ctx context.Context, r queue.Receipt, delay time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.fail("release"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, _ := s.find(r)
	if m == nil {
		return queue.ErrStaleReceipt
	}
	m.visible, m.inFlight = s.c.Clock().Add(delay), false
	m.receives--
	s.queue.wake()
	return nil
}

// Delete implements queue.Consumer.
func (s *Store) Delete(ctx context.Context, receipts []queue.Receipt) ([]error, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.fail("delete"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := make([]error, len(receipts))
	for i, r := range receipts {
		switch m, deleted := s.find(r); {
		case m != nil:
			delete(s.queue.all, m.id)
		case !deleted:
			errs[i] = queue.ErrStaleReceipt
		}
	}
	return errs, nil
}

// Depth implements queue.Consumer. It counts, so it is not for large queues.
func (s *Store) Depth(ctx context.Context) (queue.Depth, error) {
	if err := ctx.Err(); err != nil {
		return queue.Depth{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.c.Clock()
	var d queue.Depth
	for _, m := range s.queue.all {
		switch {
		case !m.visible.After(now):
			d.Visible++
		case m.inFlight:
			d.InFlight++
		default:
			d.Delayed++
		}
		if d.Oldest.IsZero() || m.sent.Before(d.Oldest) {
			d.Oldest = m.sent
		}
	}
	return d, nil
}

// Close ends all waiting receives.
func (s *Store) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.queue.close:
	default:
		close(s.queue.close)
	}
}
