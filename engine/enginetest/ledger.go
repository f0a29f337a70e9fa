package enginetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

func testAccept(t *testing.T, b *bench) {
	want := b.accept("k1", "order-1")
	got := b.load(want.ID)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("loaded\n%+v\nstored\n%+v", got, want)
	}
	if d := b.receive(1, time.Minute); d[0].Operation != want.ID || d[0].Trace != want.Trace || d[0].Receives != 1 {
		t.Errorf("delivery %+v", d[0])
	}
	claimed := b.commit(Claim(b.clock.Now(), got, "1/1"))
	if got = b.load(want.ID); !reflect.DeepEqual(got, claimed) {
		t.Errorf("after the claim\n%+v\nstored\n%+v", got, claimed)
	}
	settled := b.commit(Settle(b.clock.Now(), got, idempotency.Succeeded))
	if got = b.load(want.ID); !reflect.DeepEqual(got, settled) {
		t.Errorf("after the end\n%+v\nstored\n%+v", got, settled)
	}
	if err := got.VerifyHistory(); err != nil {
		t.Error(err)
	}
}

func testAbsent(t *testing.T, b *bench) {
	if _, err := b.Ledger.Load(b.ctx, ID(tenant, "nobody")); !errors.Is(err, idempotency.ErrNotFound) {
		t.Errorf("load of nothing: %v", err)
	}
	r := b.accept("k1", "")
	r.ID = ID(tenant, "other")
	stale := refused[*idempotency.StaleError](t, b, Claim(b.clock.Now(), r, "1/1"))
	if stale.Current.State != idempotency.Absent || stale.Current.Version != 0 {
		t.Errorf("the record that is not there is said to be %+v", stale.Current)
	}
}

func testStaleVersion(t *testing.T, b *bench) {
	r := b.accept("k1", "order-1")
	first := b.commit(Claim(b.clock.Now(), r, "1/1"))
	stale := refused[*idempotency.StaleError](t, b, Claim(b.clock.Now(), r, "1/2"))
	if !reflect.DeepEqual(stale.Current, first) {
		t.Errorf("current is %+v", stale.Current)
	}
	// The second claim raises the fence; the first owner's end comes too late.
	second := b.commit(Claim(b.clock.Now(), first, "1/2"))
	if second.Fence <= first.Fence {
		t.Fatalf("fence %d after %d", second.Fence, first.Fence)
	}
	_ = refused[*idempotency.StaleError](t, b, Settle(b.clock.Now(), first, idempotency.Failed))
	if got := b.load(r.ID); got.Lease.Owner != "1/2" || got.State != idempotency.Processing {
		t.Errorf("the stale owner changed the record: %+v", got)
	}
}

// testExistingAnswersFirst: a key that has a record is answered by it, also where its reference is held by another.
func testExistingAnswersFirst(t *testing.T, b *bench) {
	r := b.accept("k1", "order-1")
	other := Accept(b.clock.Now(), tenant, "k1", "order-2")
	stale := refused[*idempotency.StaleError](t, b, other)
	if !reflect.DeepEqual(stale.Current, r) {
		t.Errorf("current is %+v", stale.Current)
	}
	b.commit(Settle(b.clock.Now(), r, idempotency.Failed))
	b.accept("k2", "order-1")
	_ = refused[*idempotency.StaleError](t, b, Accept(b.clock.Now(), tenant, "k1", "order-1"))
}

func testReferenceHeld(t *testing.T, b *bench) {
	r := b.accept("k1", "order-1")
	for _, state := range []idempotency.State{
		idempotency.Processing, idempotency.RetryScheduled, idempotency.Unknown, idempotency.RequiresAction,
		idempotency.Pending, idempotency.Succeeded,
	} {
		r = b.commit(Step(b.clock.Now(), r, state, nil))
		held := refused[*idempotency.HeldError](t, b, Accept(b.clock.Now(), tenant, "k2", "order-1"))
		if !reflect.DeepEqual(held.Holder, r) {
			t.Errorf("%s: the holder is said to be %+v", state, held.Holder)
		}
	}
	b.accept("k3", "order-2")
	b.accept("k4", "")
	b.accept("k5", "")
}

func testHolderFreed(t *testing.T, b *bench) {
	for i, state := range []idempotency.State{idempotency.Failed, idempotency.Canceled, idempotency.Superseded} {
		r := b.accept(fmt.Sprint("k", i), "order-1")
		b.commit(Settle(b.clock.Now(), r, state))
	}
	b.accept("last", "order-1")
	_ = refused[*idempotency.HeldError](t, b, Accept(b.clock.Now(), tenant, "late", "order-1"))
}

// testTakeover: a record that does not hold its reference takes it with the claim, or is refused.
func testTakeover(t *testing.T, b *bench) {
	c := Accept(b.clock.Now(), tenant, "k1", "order-1")
	c.Record.Holds = false
	waiting := b.commit(c)
	holder := b.accept("k2", "order-1")
	held := refused[*idempotency.HeldError](t, b, Claim(b.clock.Now(), waiting, "1/1"))
	if held.Holder.ID != holder.ID {
		t.Errorf("the holder is said to be %s", held.Holder.ID)
	}
	if got := b.load(waiting.ID); !reflect.DeepEqual(got, waiting) {
		t.Errorf("the refused claim changed the record: %+v", got)
	}
	b.commit(Settle(b.clock.Now(), holder, idempotency.Canceled))
	if got := b.commit(Claim(b.clock.Now(), waiting, "1/1")); !got.Holds {
		t.Fatal("the claim did not take the reference")
	}
	_ = refused[*idempotency.HeldError](t, b, Accept(b.clock.Now(), tenant, "k3", "order-1"))
}

func testAllowRepeat(t *testing.T, b *bench) {
	repeat := func(key string) idempotency.Record {
		c := Accept(b.clock.Now(), tenant, key, "order-1")
		c.Record.AllowRepeat, c.Record.Holds = true, false
		return b.commit(c)
	}
	first := repeat("k1")
	holder := b.accept("k2", "order-1") // not held yet
	repeat("k3")                        // although it is held now
	b.commit(Settle(b.clock.Now(), first, idempotency.Failed))
	held := refused[*idempotency.HeldError](t, b, Accept(b.clock.Now(), tenant, "k4", "order-1"))
	if held.Holder.ID != holder.ID {
		t.Errorf("the holder is said to be %s", held.Holder.ID)
	}
}

func testReferencePerTenant(t *testing.T, b *bench) {
	b.accept("k1", "order-1")
	b.commit(Accept(b.clock.Now(), "other", "k1", "order-1"))
	_ = refused[*idempotency.HeldError](t, b, Accept(b.clock.Now(), "other", "k2", "order-1"))
}

func testRefusedWritesNothing(t *testing.T, b *bench) {
	r := b.accept("k1", "order-1")
	before := b.depth()
	c := Accept(b.clock.Now(), tenant, "k2", "order-1")
	o := c.Record.Outcome()
	c.Outcome = &o
	c.Letter = &idempotency.Letter{Operation: c.Record.ID, Tenant: tenant, Class: idempotency.AttentionVerify, At: 1}
	_ = refused[*idempotency.HeldError](t, b, c)
	c = Settle(b.clock.Now(), r, idempotency.Failed)
	c.Expect, c.Record.Version = 7, 8
	c.Messages = []idempotency.Message{{Operation: r.ID}}
	_ = refused[*idempotency.StaleError](t, b, c)
	if after := b.depth(); after != before {
		t.Errorf("depth was %+v, is %+v", before, after)
	}
	if _, err := b.Ledger.Load(b.ctx, ID(tenant, "k2")); !errors.Is(err, idempotency.ErrNotFound) {
		t.Errorf("a refused payment can be loaded: %v", err)
	}
	if feed, err := b.Reader.Events(b.ctx, tenant, 0, 10); err != nil || len(feed.Events) != 0 {
		t.Errorf("a refused Change published %v, %v", feed.Events, err)
	}
	if page, err := b.Letters.Letters(b.ctx, read.LetterFilter{}); err != nil || len(page.Letters) != 0 {
		t.Errorf("a refused Change left a letter: %v, %v", page.Letters, err)
	}
	b.commit(Settle(b.clock.Now(), r, idempotency.Failed))
	b.accept("k2", "order-1") // and the key is free
}

func testReferenceRace(t *testing.T, b *bench) {
	const rounds, racers = 5, 12
	for round := range rounds {
		reference := fmt.Sprint("order-", round)
		var wg sync.WaitGroup
		errs := make([]error, racers)
		for i := range racers {
			wg.Go(func() {
				errs[i] = b.Ledger.Commit(b.ctx, Accept(b.clock.Now(), tenant, fmt.Sprint(round, "-", i), reference))
			})
		}
		wg.Wait()
		winner := -1
		for i, err := range errs {
			if err == nil && winner >= 0 {
				t.Fatalf("%s: %d and %d both hold it", reference, winner, i)
			}
			if err == nil {
				winner = i
			}
		}
		if winner < 0 {
			t.Fatalf("%s: nobody holds it: %v", reference, errs)
		}
		for i, err := range errs {
			var held *idempotency.HeldError
			if i != winner && (!errors.As(err, &held) || held.Holder.ID != ID(tenant, fmt.Sprint(round, "-", winner))) {
				t.Errorf("%s: %d lost with %v", reference, i, err)
			}
		}
	}
	b.wantDepth(rounds, 0, 0)
}

func testDue(t *testing.T, b *bench) {
	at := idempotency.At(b.clock.Now())
	due := func(key string, when idempotency.Instant) events.ID {
		r := b.accept(key, "")
		b.commit(Step(b.clock.Now(), r, idempotency.RetryScheduled, func(r *idempotency.Record) { r.Due = when }))
		return r.ID
	}
	third, first, second := due("a", at+30), due("b", at+10), due("c", at+20)
	due("d", at+31)
	due("e", 0)
	want := []events.ID{first, second, third}
	if got, err := b.Ledger.Due(b.ctx, at+30, 10); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("due: %v, %v; want %v", got, err, want)
	}
	if got, err := b.Ledger.Due(b.ctx, at+30, 2); err != nil || !reflect.DeepEqual(got, want[:2]) {
		t.Errorf("due, two of them: %v, %v", got, err)
	}
	if got, err := b.Ledger.Due(b.ctx, at+9, 10); err != nil || len(got) != 0 {
		t.Errorf("due too early: %v, %v", got, err)
	}
	b.commit(Settle(b.clock.Now(), b.load(first), idempotency.Failed))
	if got, err := b.Ledger.Due(b.ctx, at+30, 10); err != nil || !reflect.DeepEqual(got, want[1:]) {
		t.Errorf("due after one has ended: %v, %v", got, err)
	}
}

func testMalformedChange(t *testing.T, b *bench) {
	now := b.clock.Now()
	for name, edit := range map[string]func(c *idempotency.Change){
		"version":        func(c *idempotency.Change) { c.Record.Version = 3 },
		"no request":     func(c *idempotency.Change) { c.Record.Request = nil },
		"nothing frozen": func(c *idempotency.Change) { c.Freeze = true },
		"no state":       func(c *idempotency.Change) { c.Record.State = idempotency.Absent },
		"no id":          func(c *idempotency.Change) { c.Record.ID = events.ID{} },
		"no tenant":      func(c *idempotency.Change) { c.Record.Tenant = "" },
		"holds nothing":  func(c *idempotency.Change) { c.Record.Reference = "" },
		"long delay":     func(c *idempotency.Change) { c.Messages[0].Delay = idempotency.MaxMessageDelay + 1 },
		"negative delay": func(c *idempotency.Change) { c.Messages[0].Delay = -1 },
		"nobody's":       func(c *idempotency.Change) { c.Messages[0].Operation = events.ID{} },
		"only parts":     func(c *idempotency.Change) { c.Record = nil },
	} {
		c := Accept(now, tenant, "k1", "order-1")
		edit(&c)
		if err := b.Ledger.Commit(b.ctx, c); err == nil {
			t.Errorf("%s: committed", name)
		}
	}
	b.wantDepth(0, 0, 0)
	b.accept("k1", "order-1")
	if err := b.Ledger.Commit(b.ctx, idempotency.Change{}); err != nil {
		t.Errorf("an empty change: %v", err)
	}
}

func testBigRequest(t *testing.T, b *bench) {
	c := Accept(b.clock.Now(), tenant, "k1", "order-1")
	for i := range events.MaxMetadata {
		c.Record.Request.Metadata[fmt.Sprint("name", i)] = strings.Repeat("ü", events.MaxMetadataValue)
	}
	c.Record.Request.Description = strings.Repeat("x", events.MaxDescription)
	want := b.commit(c)
	claimed := Claim(b.clock.Now(), want, "1/1")
	claimed.Record.Frozen.Form = []byte(strings.Repeat("f", 200_000))
	b.commit(claimed)
	if got := b.load(want.ID); !reflect.DeepEqual(got, *claimed.Record) {
		t.Error("a big request does not read back as it was")
	}
}

func testLetters(t *testing.T, b *bench) {
	letters := func(f read.LetterFilter) []read.Letter {
		t.Helper()
		p, err := b.Letters.Letters(b.ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		return p.Letters
	}
	r := b.accept("k1", "")
	open := func(class idempotency.AttentionClass, reason string) {
		b.commit(idempotency.Change{Letter: &idempotency.Letter{
			Operation: r.ID, Tenant: tenant, Class: class, Reason: reason, At: 1000,
		}})
	}
	open(idempotency.AttentionVerify, "one")
	open(idempotency.AttentionVerify, "two") // still one letter
	open(idempotency.AttentionPoison, "three")
	b.commit(idempotency.Change{Letter: &idempotency.Letter{
		Operation: ID(tenant, "orphan"), Class: idempotency.AttentionOrphan, Reason: "four", At: 1001,
	}})
	all := letters(read.LetterFilter{})
	if len(all) != 3 || all[0].Reason != "four" || all[1].Reason != "three" || all[2].Reason != "two" {
		t.Fatalf("letters, the newest first: %+v", all)
	}
	if got := letters(read.LetterFilter{Tenant: tenant, Class: idempotency.AttentionVerify}); len(got) != 1 {
		t.Errorf("by tenant and class: %+v", got)
	}
	b.commit(idempotency.Change{Letter: &idempotency.Letter{Operation: r.ID, Resolved: true, At: 2000}})
	if got := letters(read.LetterFilter{Open: true}); len(got) != 1 || got[0].Class != idempotency.AttentionOrphan {
		t.Errorf("open ones: %+v", got)
	}
	if got := letters(read.LetterFilter{Tenant: tenant}); len(got) != 2 || got[0].Resolved != 2000 || got[0].Opened != 1000 {
		t.Errorf("resolved ones: %+v", got)
	}
	open(idempotency.AttentionVerify, "five") // a new one, since the old is resolved
	if got := letters(read.LetterFilter{}); len(got) != 4 {
		t.Errorf("after opening anew: %+v", got)
	}
	var paged []read.Letter
	f := read.LetterFilter{Limit: 3}
	for {
		p, err := b.Letters.Letters(b.ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		paged = append(paged, p.Letters...)
		if f.Cursor = p.Next; f.Cursor == "" {
			break
		}
	}
	if !reflect.DeepEqual(paged, letters(read.LetterFilter{})) {
		t.Errorf("by pages: %+v", paged)
	}
}

func testCancelledContext(t *testing.T, b *bench) {
	r := b.accept("k1", "order-1")
	d := b.receive(1, long)[0]
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	_, errs := b.Ledger.Load(ctx, r.ID)
	wantCanceled(t, "load", errs)
	wantCanceled(t, "commit", b.Ledger.Commit(ctx, Accept(b.clock.Now(), tenant, "k2", "order-2")))
	_, err := b.Ledger.Due(ctx, idempotency.At(b.clock.Now()), 1)
	wantCanceled(t, "due", err)
	_, err = b.Queue.Receive(ctx, 1, long)
	wantCanceled(t, "receive", err)
	_, err = b.Queue.Extend(ctx, nil, long)
	wantCanceled(t, "extend", err)
	wantCanceled(t, "release", b.Queue.Release(ctx, d.Receipt, 0))
	_, err = b.Queue.Delete(ctx, nil)
	wantCanceled(t, "delete", err)
	_, err = b.Queue.Depth(ctx)
	wantCanceled(t, "depth", err)
	if _, err := b.Ledger.Load(b.ctx, ID(tenant, "k2")); !errors.Is(err, idempotency.ErrNotFound) {
		t.Errorf("a commit that was refused by its context took effect: %v", err)
	}
	b.wantDepth(0, 1, 0)

	// One that is canceled while it waits lets go, and takes no message with it.
	ctx, cancel = context.WithCancel(b.ctx)
	done := make(chan error)
	go func() {
		_, err := b.Queue.Receive(ctx, 1, long)
		done <- err
	}()
	cancel()
	wantCanceled(t, "waiting receive", within(t, done))
	b.accept("k3", "")
	b.receive(1, long)
}

func wantCanceled(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%s with a canceled context: %v", what, err)
	}
}

// within waits for a value that must come.
func within[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case v := <-c:
		return v
	case <-timer.C:
		t.Fatal("it never came")
		panic("unreachable")
	}
}
