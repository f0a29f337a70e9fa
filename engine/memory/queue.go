package memory

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// message is on the queue until it is deleted.
type message struct {
	mid         int
	op          events.ID
	trace       string
	enqueued    time.Time
	hiddenUntil time.Time // also the end of a delay
	inFlight    bool      // hidden since it was received
	received    time.Time
	delivery    int // the latest; 0: none whose receipt counts
	receives    int
}

func (s *Store) send(m idempotency.Message) {
	s.lastMID++
	now := s.config.Clock()
	s.messages = append(s.messages, &message{
		mid: s.lastMID, op: m.Operation, trace: m.Trace, enqueued: now, hiddenUntil: now.Add(m.Delay),
	})
	s.signal()
}

// Receive implements queue.Consumer. It waits in the caller's goroutine.
func (s *Store) Receive(ctx context.Context, max int, visibility time.Duration) ([]queue.Delivery, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.mu.Lock()
		got, err := s.tryReceive(max, visibility)
		changed, next := s.changed, s.next()
		s.mu.Unlock()
		if len(got) > 0 || err != nil {
			return got, err
		}
		if err := wait(ctx, changed, next); err != nil {
			return nil, err
		}
	}
}

// wait ends when the queue changes, when next has passed, or with ctx.
func wait(ctx context.Context, changed <-chan struct{}, next time.Duration) error {
	var timer <-chan time.Time
	if next > 0 {
		t := time.NewTimer(next)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-changed:
	case <-timer:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// TryReceive is Receive that does not wait: with nothing visible it gives none.
func (s *Store) TryReceive(max int, visibility time.Duration) ([]queue.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tryReceive(max, visibility)
}

func (s *Store) tryReceive(most int, visibility time.Duration) ([]queue.Delivery, error) {
	if most < 1 || most > queue.MaxBatch || visibility < time.Second || visibility > queue.MaxVisibility {
		return nil, fmt.Errorf("%w: receiving %d for %s", ErrLimit, most, visibility)
	}
	if s.closed {
		return nil, queue.ErrClosed
	}
	now := s.config.Clock()
	var got []queue.Delivery
	for _, m := range s.messages {
		if len(got) == most {
			break
		}
		if m.hiddenUntil.After(now) {
			continue
		}
		s.deliveries++
		m.delivery, m.received, m.hiddenUntil, m.inFlight = s.deliveries, now, now.Add(visibility), true
		m.receives++
		got = append(got, queue.Delivery{
			Receipt: receipt(m), Operation: m.op, Trace: m.trace, Receives: m.receives,
			Enqueued: m.enqueued.UTC().Truncate(time.Millisecond),
		})
	}
	return got, nil
}

// next is how long it takes until another message becomes visible; 0 if none is hidden.
func (s *Store) next() time.Duration {
	var next time.Duration
	now := s.config.Clock()
	for _, m := range s.messages {
		if d := m.hiddenUntil.Sub(now); d > 0 && (next == 0 || d < next) {
			next = d
		}
	}
	return next
}

func receipt(m *message) queue.Receipt {
	return queue.Receipt(strconv.Itoa(m.mid) + "-" + strconv.Itoa(m.delivery))
}

// find gives the message of a receipt; nil and no error if it was deleted.
func (s *Store) find(r queue.Receipt) (*message, error) {
	a, b, _ := strings.Cut(string(r), "-")
	mid, err1 := strconv.Atoi(a)
	delivery, err2 := strconv.Atoi(b)
	if err1 != nil || err2 != nil || mid < 1 || mid > s.lastMID || delivery < 1 || delivery > s.deliveries {
		return nil, queue.ErrStaleReceipt
	}
	for _, m := range s.messages {
		if m.mid == mid && m.delivery != delivery {
			return nil, queue.ErrStaleReceipt
		}
		if m.mid == mid {
			return m, nil
		}
	}
	return nil, nil
}

// Extend implements queue.Consumer.
func (s *Store) Extend(ctx context.Context, receipts []queue.Receipt, visibility time.Duration) ([]error, error) {
	if len(receipts) > queue.MaxBatch || visibility <= 0 || visibility > queue.MaxVisibility {
		return nil, fmt.Errorf("%w: extending %d for %s", ErrLimit, len(receipts), visibility)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.config.Clock()
	verdicts := make([]error, len(receipts))
	for i, r := range receipts {
		m, err := s.find(r)
		if m == nil || err != nil {
			verdicts[i] = queue.ErrStaleReceipt
			continue
		}
		until := now.Add(visibility)
		if last := m.received.Add(queue.MaxVisibility); until.After(last) {
			until = last
		}
		if !until.After(now) {
			verdicts[i] = queue.ErrStaleReceipt
			continue
		}
		m.hiddenUntil, m.inFlight = until, true
	}
	s.signal()
	return verdicts, nil
}

// Release implements queue.Consumer.
func (s *Store) Release(ctx context.Context, r queue.Receipt, delay time.Duration) error {
	if delay < 0 || delay > queue.MaxDelay {
		return fmt.Errorf("%w: releasing for %s", ErrLimit, delay)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.find(r)
	if err != nil {
		return err
	}
	if m == nil {
		return queue.ErrStaleReceipt
	}
	m.hiddenUntil, m.inFlight, m.delivery = s.config.Clock().Add(delay), false, 0
	m.receives--
	s.signal()
	return nil
}

// Delete implements queue.Consumer.
func (s *Store) Delete(ctx context.Context, receipts []queue.Receipt) ([]error, error) {
	if len(receipts) > queue.MaxBatch {
		return nil, fmt.Errorf("%w: deleting %d", ErrLimit, len(receipts))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	verdicts := make([]error, len(receipts))
	for i, r := range receipts {
		m, err := s.find(r)
		verdicts[i] = err
		if m == nil || err != nil {
			continue
		}
		if err := s.fail(StepDelete); err != nil {
			return nil, err
		}
		at := slices.Index(s.messages, m)
		s.messages = slices.Delete(s.messages, at, at+1)
	}
	return verdicts, nil
}

// Depth implements queue.Consumer. It is exact.
func (s *Store) Depth(ctx context.Context) (queue.Depth, error) {
	if err := ctx.Err(); err != nil {
		return queue.Depth{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.config.Clock()
	var d queue.Depth
	for _, m := range s.messages {
		switch {
		case !m.hiddenUntil.After(now):
			d.Visible++
		case m.inFlight:
			d.InFlight++
		default:
			d.Delayed++
		}
	}
	if len(s.messages) > 0 {
		d.Oldest = s.messages[0].enqueued.UTC().Truncate(time.Millisecond)
	}
	return d, nil
}
