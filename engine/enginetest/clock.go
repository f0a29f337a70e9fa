package enginetest

import (
	"sync"
	"time"

	"github.com/payonce/payonce/queue"
)

// Clock is a clock that a test moves. Safe for concurrent use.
type Clock struct {
	mu     sync.Mutex
	now    time.Time     // while it stands
	runs   bool          // beside the machine's clock
	ahead  time.Duration // of it
	onMove func()
}

// NewClock returns a clock that stands at a fixed moment.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

// Now tells the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runs {
		return time.Now().UTC().Add(c.ahead)
	}
	return c.now
}

// OnMove sets what is called after each move: the engine's look at the clock.
func (c *Clock) OnMove(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onMove = f
}

// Advance moves the clock; a negative d sets it back.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.ahead += d
	f := c.onMove
	c.mu.Unlock()
	if f != nil {
		f()
	}
}

// start sets the clock to the machine's and lets it run, as the server's does.
func (c *Clock) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs = true
}

func (c *Clock) running() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.runs
}

// long is a visibility that does not end during a test.
const long = 10 * time.Minute

// unit is what the durations of queue tests are multiples of.
func (b *bench) unit() time.Duration {
	if b.RealTime > 0 {
		return b.RealTime
	}
	return time.Minute
}

// brink is how much earlier than the end of a duration a test looks whether it has not ended too early.
func (b *bench) brink() time.Duration {
	if b.RealTime > 0 {
		return b.RealTime
	}
	return time.Millisecond
}

// ever is longer than anything that a test hides to see whether it stays away.
func (b *bench) ever() time.Duration {
	if b.RealTime > 0 {
		return 5 * b.RealTime
	}
	return queue.MaxVisibility
}

// pass lets time pass: it moves the clock, or waits where the time is a server's. That is the one place where waiting is
// right: nothing but time ends a visibility, and nobody can move the server's.
func (b *bench) pass(d time.Duration) {
	b.t.Helper()
	if b.RealTime > 0 {
		b.wait(d)
	}
	if !b.clock.running() {
		b.clock.Advance(d)
	}
}

// wait waits in real time.
func (b *bench) wait(d time.Duration) {
	b.t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.ctx.Done():
		b.t.Fatal(b.ctx.Err())
	}
}

// eventually asks until the answer is right, or once where it must be right at once.
func (b *bench) eventually(right func() bool) bool {
	b.t.Helper()
	end := time.Now().Add(max(patience, 30*b.RealTime))
	for !right() {
		if !b.ApproximateDepth || time.Now().After(end) {
			return false
		}
		b.wait(20 * time.Millisecond)
	}
	return true
}
