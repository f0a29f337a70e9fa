package sqs

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"sync"
	"time"

	"github.com/payonce/payonce/queue"
)

const (
	// ceilingMargin is how much earlier than 12 hours after a receive its extensions end: SQS counts from when it gave
	// the message out, this process from when it came in.
	ceilingMargin = 5 * time.Second
	// forgetAfter is how long after the end of its visibility a delivery is still known.
	forgetAfter = time.Hour
	// rememberDeleted is how many of the latest deletes can be repeated with success.
	rememberDeleted = 16 << 10
	// oldestWindow is how far back Oldest looks, at least; twice that at most.
	oldestWindow = 30 * time.Second
)

// hand is one delivery in this process.
type hand struct {
	receipt  queue.Receipt
	handle   string // SQS's
	message  string // SQS's id of it
	group    string
	body     body
	counted  int // SQS's receive count of this message, this delivery included
	enqueued time.Time
	received time.Time
	until    time.Time  // the end of the visibility, by our clock
	stale    bool       // a later delivery of the same message was seen
	exit     *departure // nil: nobody deletes or releases it
}

// receives is the port's count: deliveries of released messages that this one replaces do not count.
func (h *hand) receives() int { return h.body.Receives + h.counted }

// departure is a delete or release under way.
type departure struct {
	release bool
	done    chan struct{}
	err     error // once done
}

// hands is what this process knows about the deliveries that it was given: the one place where stale receipts are found
// out that SQS would take without a word. Safe for concurrent use.
type hands struct {
	prefix string // of this process's receipts

	mu      sync.Mutex
	last    uint64
	open    map[queue.Receipt]*hand
	latest  map[string]*hand // by message
	deleted map[queue.Receipt]struct{}
	ring    []queue.Receipt // the same, in the order of deleting
	next    int
	tidied  time.Time
	windows [2]window // of Oldest: this and the one before
}

// window is the oldest time of enqueuing among the messages received since a moment.
type window struct {
	since, oldest time.Time
}

func newHands() *hands {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return &hands{
		prefix: hex.EncodeToString(b[:]) + "-", open: map[queue.Receipt]*hand{}, latest: map[string]*hand{},
		deleted: map[queue.Receipt]struct{}{}, ring: make([]queue.Receipt, rememberDeleted),
	}
}

// take notes a delivery and gives it its receipt.
func (s *hands) take(h *hand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tidy(h.received)
	s.last++
	h.receipt = queue.Receipt(s.prefix + strconv.FormatUint(s.last, 36))
	s.open[h.receipt] = h
	// Answers of two polls may overtake each other; the count tells which delivery is the later one.
	if before := s.latest[h.message]; before == nil || before.counted <= h.counted {
		if before != nil {
			before.stale = true
		}
		s.latest[h.message] = h
	} else {
		h.stale = true
	}
	s.see(h)
}

func (s *hands) see(h *hand) {
	w := &s.windows[0]
	if w.since.IsZero() || h.received.Sub(w.since) > oldestWindow || h.received.Before(w.since) {
		s.windows[1], s.windows[0] = s.windows[0], window{since: h.received}
	}
	if w.oldest.IsZero() || h.enqueued.Before(w.oldest) {
		w.oldest = h.enqueued
	}
}

// oldest is the oldest message among those in hand and those received lately; zero if there is none.
func (s *hands) oldest(now time.Time) (at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	older := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	for _, h := range s.latest {
		older(h.enqueued)
	}
	for _, w := range s.windows {
		if now.Sub(w.since) <= 2*oldestWindow {
			older(w.oldest)
		}
	}
	return at
}

// held is how many messages are in hand.
func (s *hands) held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.latest)
}

// tidy forgets, once a minute, deliveries whose visibility ended long ago: whoever works on one has lost it. Locked.
func (s *hands) tidy(now time.Time) {
	if since := now.Sub(s.tidied); since >= 0 && since < time.Minute {
		return
	}
	s.tidied = now
	for _, h := range s.open {
		if h.exit == nil && now.Sub(h.until) > forgetAfter {
			s.drop(h)
		}
	}
}

func (s *hands) drop(h *hand) {
	delete(s.open, h.receipt)
	if s.latest[h.message] == h {
		delete(s.latest, h.message)
	}
}

// leave begins a delete. The delivery, or the departure that is under way already, or what there is to say at once.
func (s *hands) leave(r queue.Receipt) (*hand, *departure, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.open[r]
	if _, again := s.deleted[r]; h == nil && again {
		return nil, nil, nil
	}
	if h == nil || h.stale || h.exit != nil && h.exit.release {
		return nil, nil, queue.ErrStaleReceipt
	}
	if h.exit != nil {
		return nil, h.exit, nil
	}
	h.exit = &departure{done: make(chan struct{})}
	return h, h.exit, nil
}

// release begins a release. A delivery whose visibility has ended is not ours any more: its message is visible already
// or somebody else's, and another one would be a duplicate.
func (s *hands) release(r queue.Receipt, now time.Time) (*hand, *departure, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.open[r]
	if h == nil || h.stale || h.exit != nil || !now.Before(h.until) {
		return nil, nil, queue.ErrStaleReceipt
	}
	h.exit = &departure{release: true, done: make(chan struct{})}
	return h, h.exit, nil
}

// left ends a departure. gone: the delivery is no longer in hand; else it is as before.
func (s *hands) left(h *hand, gone bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	exit := h.exit
	h.exit = nil
	if gone {
		s.drop(h)
	}
	if gone && err == nil && !exit.release {
		delete(s.deleted, s.ring[s.next])
		s.ring[s.next] = h.receipt
		s.deleted[h.receipt] = struct{}{}
		s.next = (s.next + 1) % len(s.ring)
	}
	exit.err = err
	close(exit.done)
}

// extend gives the handle and the visibility that a delivery may have from now on, cut at 12 hours from its receive.
func (s *hands) extend(r queue.Receipt, visibility time.Duration, now time.Time) (h *hand, secs int32, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h = s.open[r]
	if h == nil || h.stale || h.exit != nil {
		return nil, 0, queue.ErrStaleReceipt
	}
	secs = seconds(visibility)
	if left := h.received.Add(queue.MaxVisibility - ceilingMargin).Sub(now); time.Duration(secs)*time.Second > left {
		secs = int32(left / time.Second)
	}
	if secs < 1 {
		return nil, 0, queue.ErrStaleReceipt
	}
	return h, secs, nil
}

// extended notes a new end.
func (s *hands) extended(h *hand, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.until = until
}
