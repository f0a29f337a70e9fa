package embedded

import (
	"container/heap"
	"context"
	"time"

	"github.com/payonce/payonce/queue"
)

// taken is a delivery with the message behind it.
type taken struct {
	queue.Delivery
	m     *message
	count bool // its count has to be written first
}

// take receives up to most messages. With none there it joins the line and gives the channel to wait on.
func (q *shelf) take(ctx context.Context, most int, visibility time.Duration) ([]taken, chan struct{}, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, nil, queue.ErrClosed
	}
	if err := q.settle(ctx); err != nil {
		return nil, nil, err
	}
	var out []taken
	now := q.now()
	for len(out) < most {
		m := q.ready.pop()
		if m == nil {
			break
		}
		q.deliveries++
		m.delivery, m.received, m.until = q.deliveries, now, now.Add(visibility)
		m.receives++
		q.wait(m, isHidden)
		out = append(out, taken{Delivery: m.describe(q.boot), m: m, count: m.mustCount()})
	}
	if len(out) == 0 {
		return nil, q.join(), nil
	}
	q.arm()
	return out, nil, nil
}

// giveBack undoes a take whose counts could not be written.
func (q *shelf) giveBack(all []taken) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, d := range all {
		if r, _ := parseReceipt(d.Receipt); d.m.delivery == r.delivery && d.m.place == isHidden {
			q.unwait(d.m)
			d.m.receives--
			q.offer(d.m)
		}
	}
	q.wake(q.ready.len())
}

// find gives the message of a receipt, nil if it was deleted. queue.ErrStaleReceipt for one that has been delivered
// again, was released, or that this process never gave out.
func (q *shelf) find(receipt queue.Receipt) (*message, error) {
	r, ok := parseReceipt(receipt)
	if !ok || r.boot != q.boot || r.delivery > q.deliveries {
		return nil, queue.ErrStaleReceipt
	}
	m := q.messages[r.mid]
	if m != nil && m.delivery != r.delivery {
		return nil, queue.ErrStaleReceipt
	}
	return m, nil
}

// mine gives a delivery's message and count, and whether the row knows of that count.
func (q *shelf) mine(receipt queue.Receipt) (m *message, receives int, written bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	m, err = q.find(receipt)
	if err != nil {
		return nil, 0, false, err
	}
	if m == nil || m.place == isLeaving {
		return nil, 0, false, queue.ErrStaleReceipt
	}
	return m, m.receives, m.counted >= m.receives, nil
}

// extend hides deliveries anew. Their receipts stay good after the visibility has ended, until somebody else receives.
func (q *shelf) extend(receipts []queue.Receipt, visibility time.Duration) ([]error, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, queue.ErrClosed
	}
	now := q.now()
	verdicts := make([]error, len(receipts))
	for i, receipt := range receipts {
		m, err := q.find(receipt)
		if err != nil || m == nil || m.place == isLeaving {
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
		if m.place == isHidden {
			m.until = until
			heap.Fix(&q.timers, m.index)
			continue
		}
		m.until = until
		q.wait(m, isHidden)
	}
	q.arm()
	return verdicts, nil
}

// release makes a delivery visible after delay. Its receipt is stale from then on.
func (q *shelf) release(receipt queue.Receipt, delay time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	m, err := q.find(receipt)
	if err != nil {
		return err
	}
	if m == nil || m.place == isLeaving {
		return queue.ErrStaleReceipt
	}
	if m.place == isHidden {
		q.unwait(m)
	}
	q.deliveries++
	m.delivery = q.deliveries // nobody was ever given this one
	m.receives = max(m.receives-1, 0)
	if delay == 0 {
		q.offer(m)
		q.wake(1)
		return nil
	}
	m.until = q.now().Add(delay)
	q.wait(m, isDelayed)
	q.arm()
	return nil
}

// remove takes a delivery out of circulation while its delete is on the way. Nil and no error: it was deleted before.
func (q *shelf) remove(ctx context.Context, receipt queue.Receipt) (*message, error) {
	r, ok := parseReceipt(receipt)
	if ok && r.boot != q.boot {
		// Of an earlier process. If the message is still there, it is visible to all.
		there, err := q.rows.there(ctx, r.mid)
		if there && err == nil {
			err = queue.ErrStaleReceipt
		}
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	m, err := q.find(receipt)
	if m == nil || err != nil {
		return nil, err
	}
	switch m.place {
	case isHidden, isDelayed:
		q.unwait(m)
		q.leaving++
	case isReady:
		q.leaving++
	}
	m.place = isLeaving
	return m, nil
}

// removed ends what remove began.
func (q *shelf) removed(all []*message, deleted bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	for _, m := range all {
		switch {
		case m.place == isLeaving:
			q.leaving--
			if !deleted && m.until.After(now) {
				q.wait(m, isHidden)
			} else if !deleted {
				q.offer(m)
			}
		case deleted && m.index >= 0: // another call's delete failed and put it back
			q.unwait(m)
		}
		if deleted {
			m.place = isGone // should the ready ones still hold it, it is passed over
			q.gone(m)
		}
	}
	if !deleted {
		q.wake(q.ready.len())
		q.arm()
	}
}

// depth counts. The second result is false if only the table knows which message is the oldest.
func (q *shelf) depth() (queue.Depth, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.promote(q.now())
	q.wake(q.ready.len())
	d := queue.Depth{InFlight: q.hidden + q.leaving, Delayed: q.delayed + q.beyond}
	d.Visible = q.total - d.InFlight - d.Delayed
	for len(q.oldest) > 0 && q.messages[q.oldest[0]] == nil {
		heap.Pop(&q.oldest)
	}
	if len(q.oldest) > 0 {
		d.Oldest = q.messages[q.oldest[0]].enqueued.Time()
	}
	known := !q.limited && (q.loaded == q.top || len(q.oldest) > 0 && q.oldest[0] <= q.loaded)
	return d, known
}
