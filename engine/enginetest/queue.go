package enginetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

func testReceiveDelete(t *testing.T, b *bench) {
	want := map[events.ID]bool{}
	for i := range 3 {
		want[b.accept(fmt.Sprint(i), "").ID] = true
	}
	b.wantDepth(3, 0, 0)
	hidden := min(long, b.ever())
	got := b.receive(2, hidden)
	if len(got) > 2 {
		t.Errorf("asked for 2 messages, got %d", len(got))
	}
	got = append(got, b.collect(3-len(got), hidden)...)
	b.wantDepth(0, 3, 0)
	var receipts []queue.Receipt
	for _, d := range got {
		if !want[d.Operation] {
			t.Errorf("%s was delivered twice or never sent", d.Operation)
		}
		delete(want, d.Operation)
		receipts = append(receipts, d.Receipt)
		if d.Receives != 1 || !b.same(d.Enqueued, b.clock.Now()) {
			t.Errorf("delivery %+v", d)
		}
	}
	b.delete(nil, receipts...)
	b.wantDepth(0, 0, 0)
	b.pass(b.ever())
	b.wantDepth(0, 0, 0)
}

// same compares a time that the engine took with one that the test took: they are one clock's, or those of two machines.
func (b *bench) same(got, want time.Time) bool {
	if b.RealTime > 0 {
		return got.Sub(want).Abs() < 5*time.Minute
	}
	return got.Equal(want)
}

func testDoubleDelete(t *testing.T, b *bench) {
	b.accept("k1", "")
	b.accept("k2", "")
	d := b.receive(1, long)[0]
	b.delete(nil, d.Receipt, d.Receipt)
	b.delete(nil, d.Receipt)
	b.wantDepth(1, 0, 0)
	var wg sync.WaitGroup
	d = b.receive(1, long)[0]
	for range 4 {
		wg.Go(func() { b.delete(nil, d.Receipt) })
	}
	wg.Wait()
	b.wantDepth(0, 0, 0)
}

func testExpiredVisibility(t *testing.T, b *bench) {
	r := b.accept("k1", "")
	for n := 1; n <= 3; n++ {
		d := b.receive(1, 2*b.unit())[0]
		if d.Operation != r.ID || d.Receives != n {
			t.Errorf("delivery %d: %+v", n, d)
		}
		b.pass(2*b.unit() - b.brink())
		b.wantDepth(0, 1, 0)
		b.pass(b.brink())
		b.wantDepth(1, 0, 0)
	}
	// The latest receipt is good until somebody else receives.
	d := b.receive(1, 2*b.unit())[0]
	b.pass(4 * b.unit())
	b.wantDepth(1, 0, 0)
	b.delete(nil, d.Receipt)
	b.wantDepth(0, 0, 0)
}

func testStaleReceipt(t *testing.T, b *bench) {
	b.accept("k1", "")
	first := b.receive(1, 2*b.unit())[0]
	b.pass(2 * b.unit())
	second := b.receive(1, long)[0]
	b.delete(queue.ErrStaleReceipt, first.Receipt)
	b.wantDepth(0, 1, 0)
	verdicts, err := b.Queue.Extend(b.ctx, []queue.Receipt{first.Receipt}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	b.verdicts(queue.ErrStaleReceipt, verdicts, 1)
	if err := b.Queue.Release(b.ctx, first.Receipt, 0); !errors.Is(err, queue.ErrStaleReceipt) {
		t.Errorf("release of a stale receipt: %v", err)
	}
	b.wantDepth(0, 1, 0)
	b.delete(nil, second.Receipt)
	for _, garbage := range []queue.Receipt{"", "-", "x", "1-1-99", "99-99-99", "1-1", "18446744073709551616-1-1", "1-0-1"} {
		verdicts, err := b.Queue.Delete(b.ctx, []queue.Receipt{garbage})
		if err != nil || len(verdicts) != 1 {
			t.Fatalf("delete of %q: %v, %v", garbage, verdicts, err)
		}
		if err := b.Queue.Release(b.ctx, garbage, 0); !errors.Is(err, queue.ErrStaleReceipt) {
			t.Errorf("release of %q: %v", garbage, err)
		}
	}
	verdicts, err = b.Queue.Extend(b.ctx, []queue.Receipt{second.Receipt}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	b.verdicts(queue.ErrStaleReceipt, verdicts, 1) // deleted
	if err := b.Queue.Release(b.ctx, second.Receipt, 0); !errors.Is(err, queue.ErrStaleReceipt) {
		t.Errorf("release of a deleted message: %v", err)
	}
}

func testExtend(t *testing.T, b *bench) {
	b.accept("k1", "")
	d := b.receive(1, 3*b.unit())[0]
	b.pass(2 * b.unit())
	verdicts, err := b.Queue.Extend(b.ctx, []queue.Receipt{d.Receipt}, 3*b.unit())
	if err != nil {
		t.Fatal(err)
	}
	b.verdicts(nil, verdicts, 1)
	b.pass(3*b.unit() - b.brink()) // the first end has passed
	b.wantDepth(0, 1, 0)
	b.pass(b.brink())
	b.wantDepth(1, 0, 0)
	again := b.receive(1, long)[0]
	if again.Receives != 2 {
		t.Errorf("extending counts as a delivery: %d", again.Receives)
	}
	// From now on, so it can also make it shorter.
	if _, err := b.Queue.Extend(b.ctx, []queue.Receipt{again.Receipt}, time.Second); err != nil {
		t.Fatal(err)
	}
	b.pass(time.Second)
	b.wantDepth(1, 0, 0)
}

// testExtendEnds: no delivery is hidden for longer than the limit, counted from its receive. It moves the clock also where
// visibilities are a server's: that the limit is kept is the engine's own bookkeeping.
func testExtendEnds(t *testing.T, b *bench) {
	b.accept("k1", "")
	d := b.receive(1, long)[0]
	for hour := range 13 {
		verdicts, err := b.Queue.Extend(b.ctx, []queue.Receipt{d.Receipt}, time.Hour+time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if hour < 12 {
			b.verdicts(nil, verdicts, 1)
		} else {
			b.verdicts(queue.ErrStaleReceipt, verdicts, 1)
		}
		b.clock.Advance(time.Hour)
	}
	if b.RealTime == 0 {
		b.wantDepth(1, 0, 0)
	}
}

func testRelease(t *testing.T, b *bench) {
	r := b.accept("k1", "")
	d := b.receive(1, long)[0]
	release := func(delay time.Duration) {
		t.Helper()
		if err := b.Queue.Release(b.ctx, d.Receipt, delay); err != nil {
			t.Fatal(err)
		}
		b.delete(queue.ErrStaleReceipt, d.Receipt)
	}
	release(0)
	b.wantDepth(1, 0, 0)
	d = b.receive(1, long)[0]
	if d.Receives != 1 || d.Operation != r.ID {
		t.Errorf("after a release: %+v", d)
	}
	release(2 * b.unit())
	b.wantDepth(0, 0, 1)
	b.pass(2 * b.unit())
	d = b.receive(1, 2*b.unit())[0]
	if d.Receives != 1 {
		t.Errorf("after a delayed release: %+v", d)
	}
	b.pass(2 * b.unit())
	d = b.receive(1, long)[0]
	if d.Receives != 2 {
		t.Errorf("after an expiry: %+v", d)
	}
	release(0)
	d = b.receive(1, long)[0]
	if d.Receives != 2 {
		t.Errorf("after an expiry and a release: %+v", d)
	}
	b.delete(nil, d.Receipt)
	b.wantDepth(0, 0, 0)
}

func testDelayed(t *testing.T, b *bench) {
	c := Accept(b.clock.Now(), tenant, "k1", "")
	c.Messages = []idempotency.Message{
		{Operation: c.Record.ID, Delay: 4 * b.unit(), Trace: "late"},
		{Operation: c.Record.ID, Delay: 2 * b.unit(), Trace: "soon"},
		{Operation: c.Record.ID, Trace: "now"},
		{Operation: c.Record.ID, Delay: idempotency.MaxMessageDelay, Trace: "last"},
	}
	b.commit(c)
	b.wantDepth(1, 0, 3)
	next := func(trace string) {
		t.Helper()
		d := b.receive(10, long)
		if len(d) != 1 || d[0].Trace != trace {
			t.Fatalf("got %+v, want %q", d, trace)
		}
		b.delete(nil, d[0].Receipt)
	}
	next("now")
	b.pass(2*b.unit() - b.brink())
	b.wantDepth(0, 0, 3)
	b.pass(b.brink())
	next("soon")
	b.pass(2 * b.unit())
	next("late")
	if b.RealTime > 0 {
		b.wantDepth(0, 0, 1) // a quarter of an hour is too long to wait for
		return
	}
	b.pass(time.Hour)
	next("last")
}

// testWaitingReceiver: who waits is woken by a message, by the end of a visibility and by the end of a delay.
func testWaitingReceiver(t *testing.T, b *bench) {
	got := make(chan queue.Delivery)
	wait := func(visibility time.Duration) {
		go func() {
			d, err := b.Queue.Receive(b.ctx, 1, visibility)
			if err != nil || len(d) != 1 {
				t.Errorf("receive: %v, %v", d, err)
				d = []queue.Delivery{{}}
			}
			got <- d[0]
		}()
	}
	wait(2 * b.unit())
	r := b.accept("k1", "")
	d := within(t, got)
	if d.Operation != r.ID {
		t.Errorf("woken by %+v", d)
	}
	wait(long)
	b.pass(2 * b.unit())
	if d = within(t, got); d.Receives != 2 {
		t.Errorf("woken by %+v", d)
	}
	if err := b.Queue.Release(b.ctx, d.Receipt, 2*b.unit()); err != nil {
		t.Fatal(err)
	}
	wait(long)
	b.pass(2 * b.unit())
	d = within(t, got)
	wait(long)
	if err := b.Queue.Release(b.ctx, d.Receipt, 0); err != nil {
		t.Fatal(err)
	}
	d = within(t, got)
	b.delete(nil, d.Receipt)

	// As many as wait are served, whoever comes first.
	const n = 8
	for range n {
		wait(long)
	}
	for i := range n {
		b.accept(fmt.Sprint("many", i), "")
	}
	for range n {
		within(t, got)
	}
	b.wantDepth(0, n, 0)
}

func testDepth(t *testing.T, b *bench) {
	if b.ApproximateDepth {
		testApproximateDepth(t, b)
		return
	}
	if d := b.depth(); d != (queue.Depth{}) {
		t.Errorf("an empty queue: %+v", d)
	}
	start := b.clock.Now()
	b.accept("k1", "")
	b.clock.Advance(time.Second)
	b.accept("k2", "")
	if d := b.depth(); !d.Oldest.Equal(start) || d.Waiting() != 2 {
		t.Errorf("two: %+v", d)
	}
	first := b.receive(1, long)[0]
	if d := b.depth(); d.Waiting() != 2 || !d.Oldest.Equal(start) {
		t.Errorf("one in flight: %+v", d)
	}
	b.delete(nil, first.Receipt)
	if d := b.depth(); !d.Oldest.Equal(start.Add(time.Second)) || d.Waiting() != 1 {
		t.Errorf("one left: %+v", d)
	}
	second := b.receive(1, long)[0]
	b.delete(nil, second.Receipt)
	if d := b.depth(); d != (queue.Depth{}) {
		t.Errorf("empty again: %+v", d)
	}
}

// testApproximateDepth: the counts are right in the end, and Oldest is a message that was there or unknown.
func testApproximateDepth(t *testing.T, b *bench) {
	empty := func() {
		t.Helper()
		var d queue.Depth
		if !b.eventually(func() bool { d = b.depth(); return d == queue.Depth{} }) {
			t.Errorf("an empty queue: %+v", d)
		}
	}
	oldest := func() {
		t.Helper()
		if d := b.depth(); !d.Oldest.IsZero() && !b.same(d.Oldest, b.clock.Now()) {
			t.Errorf("the oldest message is of %s, and it is %s", d.Oldest, b.clock.Now())
		}
	}
	empty()
	b.accept("k1", "")
	b.accept("k2", "")
	b.wantDepth(2, 0, 0)
	oldest()
	first := b.receive(1, long)[0]
	b.wantDepth(1, 1, 0)
	oldest()
	b.delete(nil, first.Receipt)
	b.wantDepth(1, 0, 0)
	oldest()
	second := b.receive(1, long)[0]
	b.delete(nil, second.Receipt)
	empty()
}

func testLimits(t *testing.T, b *bench) {
	b.accept("k1", "")
	for _, c := range []struct {
		n          int
		visibility time.Duration
	}{{0, time.Minute}, {queue.MaxBatch + 1, time.Minute}, {1, 0}, {1, queue.MaxVisibility + 1}} {
		if d, err := b.Queue.Receive(b.ctx, c.n, c.visibility); err == nil {
			t.Errorf("receive %d for %s gave %v", c.n, c.visibility, d)
		}
	}
	many := make([]queue.Receipt, queue.MaxBatch+1)
	if _, err := b.Queue.Delete(b.ctx, many); err == nil {
		t.Error("too many deletes")
	}
	if _, err := b.Queue.Extend(b.ctx, many, time.Minute); err == nil {
		t.Error("too many extends")
	}
	d := b.receive(1, long)[0]
	if _, err := b.Queue.Extend(b.ctx, []queue.Receipt{d.Receipt}, queue.MaxVisibility+1); err == nil {
		t.Error("a long extend")
	}
	for _, delay := range []time.Duration{-1, queue.MaxDelay + 1} {
		if err := b.Queue.Release(b.ctx, d.Receipt, delay); err == nil || errors.Is(err, queue.ErrStaleReceipt) {
			t.Errorf("release for %s: %v", delay, err)
		}
	}
	b.wantDepth(0, 1, 0)
}

// testEachOnce: many workers, many messages; while nothing expires, each message goes to one of them, or where the engine
// may repeat itself, to one at least.
func testEachOnce(t *testing.T, b *bench) {
	const messages, workers = 300, 8
	ctx, done := context.WithCancel(b.ctx)
	defer done()
	var mu sync.Mutex
	seen := map[events.ID]int{}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				got, err := b.Queue.Receive(ctx, 1, long)
				if ctx.Err() != nil && len(got) == 0 {
					return
				}
				if err != nil || len(got) != 1 {
					t.Errorf("receive: %v, %v", got, err)
					done()
					return
				}
				b.delete(nil, got[0].Receipt)
				mu.Lock()
				seen[got[0].Operation]++
				if len(seen) == messages {
					done()
				}
				mu.Unlock()
			}
		})
	}
	for i := range workers {
		wg.Go(func() {
			for n := i; n < messages; n += workers {
				if err := b.Ledger.Commit(b.ctx, Accept(b.clock.Now(), tenant, fmt.Sprint(n), "")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for id, n := range seen {
		if n != 1 && !b.Repeats {
			t.Errorf("%s was delivered %d times", id, n)
		}
	}
	if len(seen) != messages {
		t.Errorf("%d of %d messages were delivered", len(seen), messages)
	}
	b.wantDepth(0, 0, 0)
}

// testClockBack: with a clock that is set back an hour everything still comes, if later, and nothing comes twice early.
func testClockBack(t *testing.T, b *bench) {
	b.accept("k1", "")
	d := b.receive(1, long)[0]
	b.clock.Advance(-time.Hour)
	b.wantDepth(0, 1, 0)
	second := b.accept("k2", "")
	if got := b.receive(1, 2*b.unit())[0]; got.Operation != second.ID {
		t.Errorf("got %+v", got)
	}
	b.pass(2 * b.unit())
	b.wantDepth(1, 1, 0)
	b.delete(nil, d.Receipt)
	b.clock.Advance(2 * time.Hour)
	b.wantDepth(1, 0, 0)
}
