package embedded

import (
	"context"
	"fmt"
	"time"

	"github.com/payonce/payonce/queue"
)

// Receive implements queue.Consumer.
func (s *Store) Receive(ctx context.Context, max int, visibility time.Duration) ([]queue.Delivery, error) {
	if max < 1 || max > queue.MaxBatch || visibility < time.Second || visibility > queue.MaxVisibility {
		return nil, fmt.Errorf("%w: receiving %d for %s", ErrLimit, max, visibility)
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		taken, wait, err := s.queue.take(ctx, max, visibility)
		if err != nil {
			return nil, err
		}
		if wait == nil {
			return s.counted(ctx, taken)
		}
		select {
		case <-wait:
		case <-ctx.Done():
			s.queue.leave(wait)
			return nil, ctx.Err()
		}
	}
}

// counted writes the receive counts that have to be durable before the messages are handed out.
func (s *Store) counted(ctx context.Context, taken []taken) ([]queue.Delivery, error) {
	t := &countTask{q: s.queue, answer: make(chan error, 1)}
	out := make([]queue.Delivery, len(taken))
	for i, d := range taken {
		out[i] = d.Delivery
		if d.count {
			t.rows = append(t.rows, countRow{d.m, d.Receives})
		}
	}
	if len(t.rows) == 0 {
		return out, nil
	}
	if err := s.submit(ctx, t); err != nil {
		s.queue.giveBack(taken)
		return nil, err
	}
	return out, nil
}

// Extend implements queue.Consumer.
func (s *Store) Extend(ctx context.Context, receipts []queue.Receipt, visibility time.Duration) ([]error, error) {
	if len(receipts) > queue.MaxBatch || visibility <= 0 || visibility > queue.MaxVisibility {
		return nil, fmt.Errorf("%w: extending %d for %s", ErrLimit, len(receipts), visibility)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.queue.extend(receipts, visibility)
}

// Release implements queue.Consumer.
func (s *Store) Release(ctx context.Context, r queue.Receipt, delay time.Duration) error {
	if delay < 0 || delay > queue.MaxDelay {
		return fmt.Errorf("%w: releasing for %s", ErrLimit, delay)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m, receives, written, err := s.queue.mine(r)
	if err != nil {
		return err
	}
	if written {
		// Before it is visible again, since the next delivery writes its own count.
		t := &countTask{q: s.queue, rows: []countRow{{m, receives - 1}}, answer: make(chan error, 1)}
		if err := s.submit(ctx, t); err != nil {
			return err
		}
	}
	return s.queue.release(r, delay)
}

// Delete implements queue.Consumer.
func (s *Store) Delete(ctx context.Context, receipts []queue.Receipt) ([]error, error) {
	if len(receipts) > queue.MaxBatch {
		return nil, fmt.Errorf("%w: deleting %d", ErrLimit, len(receipts))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	verdicts := make([]error, len(receipts))
	t := &deleteTask{q: s.queue, answer: make(chan error, 1)}
	for i, receipt := range receipts {
		m, err := s.queue.remove(ctx, receipt)
		switch {
		case m != nil:
			t.messages = append(t.messages, m)
		default:
			verdicts[i] = err
		}
	}
	if len(t.messages) == 0 {
		return verdicts, nil
	}
	if err := s.hand(ctx, t); err != nil {
		t.finish(err)
		return nil, err
	}
	select {
	case err := <-t.answer:
		return verdicts, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Depth implements queue.Consumer. It is exact, except that of very many delayed messages some that have just become
// visible may still count as delayed.
func (s *Store) Depth(ctx context.Context) (queue.Depth, error) {
	if err := ctx.Err(); err != nil {
		return queue.Depth{}, err
	}
	d, known := s.queue.depth()
	if known {
		return d, nil
	}
	var err error
	d.Oldest, err = s.queue.rows.oldest(ctx)
	return d, err
}

// deleteTask deletes messages.
type deleteTask struct {
	q        *shelf
	messages []*message
	answer   chan error
}

func (t *deleteTask) apply(b *batch) error {
	b.wrote = true
	for _, m := range t.messages {
		if _, err := b.w.st.deleteMessage.exec(m.mid); err != nil {
			return err
		}
	}
	return nil
}

func (t *deleteTask) finish(err error) {
	t.q.removed(t.messages, err == nil)
	t.answer <- err
}

func (t *deleteTask) reply() <-chan error { return t.answer }

// countTask writes receive counts.
type countTask struct {
	q      *shelf
	rows   []countRow
	answer chan error
}

type countRow struct {
	m        *message
	receives int
}

func (t *countTask) apply(b *batch) error {
	b.wrote = true
	for _, r := range t.rows {
		if _, err := b.w.st.countMessage.exec(int64(r.receives), r.m.mid); err != nil {
			return err
		}
	}
	return nil
}

func (t *countTask) finish(err error) {
	if err == nil {
		t.q.mu.Lock()
		for _, r := range t.rows {
			r.m.counted = r.receives
		}
		t.q.mu.Unlock()
	}
	t.answer <- err
}

func (t *countTask) reply() <-chan error { return t.answer }
