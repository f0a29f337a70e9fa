// Package enginetest is the conformance suite of the ports: what every engine means by commit, refuse, receive, extend,
// release and delete. Engines may differ in speed and in what a crash leaves half done, which they declare; they do not
// differ in meaning.
package enginetest

import (
	"context"
	"slices"
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

	// RealTime declares that visibilities and delays run on the clock of a server, which no test can move: the tests of
	// the queue then wait, and this is how long a unit of their durations lasts, about a second. What the engine itself
	// measures it still takes from the Clock, which runs beside the server's in those tests. Zero: all time is the
	// Clock's, and a unit is a minute of it.
	RealTime time.Duration
	// ApproximateDepth declares that Depth is right in the end and not at once, that Oldest may be unknown, and that
	// what was in flight when an engine closed stays so until its visibility ends.
	ApproximateDepth bool
	// Repeats declares that a message may be delivered more than once although it is hidden.
	Repeats bool
}

// Factory opens an empty engine that takes its time from the clock, and closes it when the test ends.
type Factory func(t *testing.T, clock *Clock) *Engine

// Run runs the whole suite against the engines that open makes.
func Run(t *testing.T, open Factory) { run(t, open, suite) }

// RunQueue runs the tests of the work queue only. The Ledger is that of any engine, as long as what a Change has for the
// queue gets there.
func RunQueue(t *testing.T, open Factory) {
	run(t, open, slices.DeleteFunc(slices.Clone(suite), func(c scene) bool { return !c.queue }))
}

// scene is one test of the suite.
type scene struct {
	name  string
	queue bool // about the queue, and time passes there
	test  func(*testing.T, *bench)
}

var suite = []scene{
	{"accept", false, testAccept},
	{"absent", false, testAbsent},
	{"stale version", false, testStaleVersion},
	{"same key other body", false, testExistingAnswersFirst},
	{"reference held", false, testReferenceHeld},
	{"holder freed", false, testHolderFreed},
	{"takeover on claim", false, testTakeover},
	{"allow repeat", false, testAllowRepeat},
	{"references are per tenant", false, testReferencePerTenant},
	{"refused writes nothing", false, testRefusedWritesNothing},
	{"reference race", false, testReferenceRace},
	{"concurrent claims", false, testConcurrentClaims},
	{"due", false, testDue},
	{"malformed change", false, testMalformedChange},
	{"big request", false, testBigRequest},
	{"letters", false, testLetters},
	{"cancelled context", true, testCancelledContext},
	{"receive and delete", true, testReceiveDelete},
	{"double delete", true, testDoubleDelete},
	{"expired visibility", true, testExpiredVisibility},
	{"stale receipt", true, testStaleReceipt},
	{"extend", true, testExtend},
	{"extend has an end", true, testExtendEnds},
	{"release", true, testRelease},
	{"delayed message", true, testDelayed},
	{"waiting receiver", true, testWaitingReceiver},
	{"depth", true, testDepth},
	{"batch limits", true, testLimits},
	{"each message once", true, testEachOnce},
	{"clock set back", true, testClockBack},
	{"feed", false, testFeed},
	{"feed without gaps", false, testFeedGaps},
	{"list", false, testList},
	{"overview", false, testOverview},
	{"keys", false, testKeys},
	{"reopen", false, testReopen},
	{"poison survives reopen", false, testPoisonReopen},
}

func run(t *testing.T, open Factory, scenes []scene) {
	for _, c := range scenes {
		t.Run(c.name, func(t *testing.T) {
			clock := NewClock()
			b := &bench{Engine: open(t, clock), t: t, clock: clock, ctx: t.Context()}
			if c.queue && b.RealTime > 0 {
				clock.start()
			}
			c.test(t, b)
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
