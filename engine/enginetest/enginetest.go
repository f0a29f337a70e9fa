// Package enginetest is the conformance suite of the ports: what every engine means by commit, refuse, receive, extend,
// release and delete. Engines may differ in speed and in what a crash leaves half done, which they declare; they do not
// differ in meaning.
package enginetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
	"github.com/payonce/payonce/read"
)

// Engine is an open engine under test. Members that are nil are ports that the engine does not have.
type Engine struct {
	Ledger  idempotency.Ledger
	Queue   queue.Consumer
	Reader  read.Reader
	Letters read.Letters
	Keys    access.Store
	// Reopen closes the engine and opens it again on what it kept. Nil: it keeps nothing.
	Reopen func(t *testing.T) *Engine
}

// Factory opens an empty engine that takes its time from the clock, and closes it when the test ends.
type Factory func(t *testing.T, clock *Clock) *Engine

// Clock is a clock that a test moves. Safe for concurrent use.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
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
	f := c.onMove
	c.mu.Unlock()
	if f != nil {
		f()
	}
}

// Run runs the whole suite against the engines that open makes.
func Run(t *testing.T, open Factory) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *bench)
	}{
		{"accept", testAccept},
		{"absent", testAbsent},
		{"stale version", testStaleVersion},
		{"same key other body", testExistingAnswersFirst},
		{"reference held", testReferenceHeld},
		{"holder freed", testHolderFreed},
		{"takeover on claim", testTakeover},
		{"allow repeat", testAllowRepeat},
		{"references are per tenant", testReferencePerTenant},
		{"refused writes nothing", testRefusedWritesNothing},
		{"reference race", testReferenceRace},
		{"concurrent claims", testConcurrentClaims},
		{"due", testDue},
		{"malformed change", testMalformedChange},
		{"big request", testBigRequest},
		{"letters", testLetters},
		{"cancelled context", testCancelledContext},
		{"receive and delete", testReceiveDelete},
		{"double delete", testDoubleDelete},
		{"expired visibility", testExpiredVisibility},
		{"stale receipt", testStaleReceipt},
		{"extend", testExtend},
		{"extend has an end", testExtendEnds},
		{"release", testRelease},
		{"delayed message", testDelayed},
		{"waiting receiver", testWaitingReceiver},
		{"depth", testDepth},
		{"batch limits", testLimits},
		{"each message once", testEachOnce},
		{"clock set back", testClockBack},
		{"feed", testFeed},
		{"feed without gaps", testFeedGaps},
		{"list", testList},
		{"overview", testOverview},
		{"keys", testKeys},
		{"reopen", testReopen},
		{"poison survives reopen", testPoisonReopen},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := NewClock()
			c.test(t, &bench{Engine: open(t, clock), t: t, clock: clock, ctx: t.Context()})
		})
	}
}

// bench is an engine with what a test needs around it.
type bench struct {
	*Engine

	t     *testing.T
	clock *Clock
	ctx   context.Context //nolint:containedctx // of the test, for brevity
}

// patience bounds waits that end at once unless the engine is broken.
const patience = 20 * time.Second
