package embedded

import "time"

// wake lets up to n waiting Receive calls look again.
func (q *shelf) wake(n int) {
	for ; n > 0 && len(q.waiting) > 0; n-- {
		q.waiting[0] <- struct{}{} // buffered, and sent to once
		q.waiting = q.waiting[1:]
	}
	if len(q.waiting) == 0 {
		q.waiting = nil
	}
}

// join enters the line of those who wait for a message.
func (q *shelf) join() chan struct{} {
	w := make(chan struct{}, 1)
	q.waiting = append(q.waiting, w)
	return w
}

// leave ends waiting for nothing. A wake-up that came at the same moment goes to the next in line.
func (q *shelf) leave(w chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, other := range q.waiting {
		if other == w {
			q.waiting = append(q.waiting[:i:i], q.waiting[i+1:]...)
			return
		}
	}
	if !q.closed {
		q.wake(1)
	}
}

// arm sets the one timer for the next end of a visibility or a delay.
func (q *shelf) arm() {
	if q.closed || len(q.timers) == 0 {
		return
	}
	at := q.timers[0].until
	if q.timer != nil && q.timerAt.Equal(at) {
		return
	}
	q.timerAt = at
	wait := max(at.Sub(q.now()), time.Millisecond)
	if q.timer == nil {
		q.timer = time.AfterFunc(wait, q.ring)
		return
	}
	q.timer.Reset(wait)
}

// ring is the timer's. It forgets for when it was set, so that it is set again if the clock is behind.
func (q *shelf) ring() {
	q.mu.Lock()
	q.timerAt = time.Time{}
	q.mu.Unlock()
	q.poke()
}

// fifo is a queue of messages in a slice. Some in it may have stopped being ready.
type fifo struct {
	items []*message
	head  int
}

func (f *fifo) push(m *message) { f.items = append(f.items, m) }

// len counts also those that have stopped being ready.
func (f *fifo) len() int { return len(f.items) - f.head }

// pop gives the first message that is still ready, nil if there is none.
func (f *fifo) pop() *message {
	for f.head < len(f.items) {
		m := f.items[f.head]
		f.items[f.head] = nil
		f.head++
		if f.head == len(f.items) {
			f.items, f.head = f.items[:0], 0
		} else if f.head > 1024 && f.head > len(f.items)/2 {
			f.items, f.head = append(f.items[:0:0], f.items[f.head:]...), 0
		}
		if m.place == isReady {
			return m
		}
	}
	return nil
}
