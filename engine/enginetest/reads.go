package enginetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

func testFeed(t *testing.T, b *bench) {
	r := b.accept("k1", "order-1")
	r = b.commit(Claim(b.clock.Now(), r, "1/1"))
	settled := Settle(b.clock.Now(), r, idempotency.Succeeded)
	b.commit(settled)
	other := b.commit(Accept(b.clock.Now(), "other", "k1", ""))
	b.commit(Settle(b.clock.Now(), other, idempotency.Failed))
	feed, err := b.Reader.Events(b.ctx, tenant, 0, 10)
	if err != nil || len(feed.Events) != 1 {
		t.Fatalf("feed: %+v, %v", feed, err)
	}
	if got := feed.Events[0].Outcome; !reflect.DeepEqual(got, *settled.Outcome) {
		t.Errorf("outcome\n%+v\npublished\n%+v", got, *settled.Outcome)
	}
	if feed.Next < feed.Events[0].Pos {
		t.Errorf("next is %d, the last position %d", feed.Next, feed.Events[0].Pos)
	}
	again, err := b.Reader.Events(b.ctx, tenant, feed.Next, 10)
	if err != nil || len(again.Events) != 0 || again.Next < feed.Next {
		t.Errorf("after the end: %+v, %v", again, err)
	}
	nobody, err := b.Reader.Events(b.ctx, "nobody", 0, 10)
	if err != nil || len(nobody.Events) != 0 {
		t.Errorf("of nobody: %+v, %v", nobody, err)
	}
	if w, ok := b.Reader.(read.Waiter); ok {
		c := w.Appended()
		r := b.accept("k2", "")
		b.commit(Settle(b.clock.Now(), r, idempotency.Failed))
		within(t, c)
	}
}

// testFeedGaps: a reader that follows the feed while others append sees everything, each once, in order.
func testFeedGaps(t *testing.T, b *bench) {
	const writers, each = 6, 40
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				c := Accept(b.clock.Now(), tenant, fmt.Sprint(w, "-", i), "")
				if err := b.Ledger.Commit(b.ctx, c); err != nil {
					t.Error(err)
					return
				}
				if err := b.Ledger.Commit(b.ctx, Settle(b.clock.Now(), *c.Record, idempotency.Failed)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	seen := map[events.ID]bool{}
	var after, last int64
	for len(seen) < writers*each {
		feed, err := b.Reader.Events(ctx, tenant, after, 7)
		if err != nil {
			t.Fatalf("after %d outcomes: %v", len(seen), err)
		}
		for _, e := range feed.Events {
			if e.Pos <= last || seen[e.Outcome.Payment] {
				t.Fatalf("position %d after %d, payment seen: %v", e.Pos, last, seen[e.Outcome.Payment])
			}
			last = e.Pos
			seen[e.Outcome.Payment] = true
		}
		after = feed.Next
	}
	wg.Wait()
}

func testList(t *testing.T, b *bench) {
	var want []events.ID // the newest first
	for i := range 7 {
		c := Accept(b.clock.Now(), tenant, fmt.Sprint(i), fmt.Sprint("order-", i))
		b.commit(c)
		b.commit(Accept(b.clock.Now(), "other", fmt.Sprint(i), ""))
		want = append([]events.ID{c.Record.ID}, want...)
		b.clock.Advance(time.Second)
	}
	list := func(f read.Filter) (ids []events.ID) {
		t.Helper()
		f.Tenant = tenant
		for {
			p, err := b.Reader.List(b.ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range p.Records {
				if r.Request == nil || r.Request.PaymentMethod == "" {
					t.Errorf("%s is listed without its request", r.ID)
				}
				ids = append(ids, r.ID)
			}
			if f.Cursor = p.Next; f.Cursor == "" {
				return ids
			}
			if _, err := read.ParseCursor(string(p.Next)); err != nil {
				t.Errorf("cursor %q: %v", p.Next, err)
			}
		}
	}
	compare := func(what string, got, want []events.ID) {
		t.Helper()
		if len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	compare("all", list(read.Filter{}), want)
	compare("by pages", list(read.Filter{Limit: 2}), want)
	compare("young", list(read.Filter{CreatedAfter: idempotency.At(b.clock.Now().Add(-3 * time.Second))}), want[:2])
	compare("by reference", list(read.Filter{Reference: "order-3"}), want[3:4])
	compare("by no reference", list(read.Filter{Reference: "order-99"}), nil)

	b.commit(Settle(b.clock.Now(), b.load(want[2]), idempotency.Failed))
	compare("failed", list(read.Filter{State: idempotency.Failed}), want[2:3])
	b.commit(Step(b.clock.Now(), b.load(want[4]), idempotency.Unknown, func(r *idempotency.Record) {
		r.Attention = &idempotency.Attention{Class: idempotency.AttentionVerify, Since: r.Updated}
	}))
	compare("attention", list(read.Filter{Attention: true}), want[4:5])
	compare("attention and state", list(read.Filter{Attention: true, State: idempotency.Failed}), nil)

	// A payment that comes while the pages are turned shifts nothing.
	p, err := b.Reader.List(b.ctx, read.Filter{Tenant: tenant, Limit: 3})
	if err != nil || len(p.Records) != 3 {
		t.Fatalf("first page: %v, %v", p.Records, err)
	}
	b.accept("later", "")
	compare("second page", list(read.Filter{Cursor: p.Next, Limit: 10}), want[3:])
	if p, err := b.Reader.List(b.ctx, read.Filter{Tenant: "nobody"}); err != nil || len(p.Records) != 0 {
		t.Errorf("of nobody: %v, %v", p, err)
	}
	if _, err := b.Reader.List(b.ctx, read.Filter{Tenant: tenant, Cursor: "-_-"}); !errors.Is(err, read.ErrCursor) {
		t.Errorf("an invented cursor: %v", err)
	}
}

func testOverview(t *testing.T, b *bench) {
	b.accept("k1", "")
	r := b.accept("k2", "")
	b.commit(Accept(b.clock.Now(), "other", "k1", ""))
	b.commit(Step(b.clock.Now(), r, idempotency.Unknown, func(r *idempotency.Record) {
		r.Attention = &idempotency.Attention{Class: idempotency.AttentionVerify, Since: r.Updated}
	}))
	got, err := b.Reader.Overview(b.ctx, tenant)
	if err != nil {
		t.Fatal(err)
	}
	if got.States[idempotency.Accepted] != 1 || got.States[idempotency.Unknown] != 1 || got.Attention != 1 {
		t.Errorf("overview %+v", got)
	}
	if got, err := b.Reader.Overview(b.ctx, "nobody"); err != nil || len(got.States) != 0 || got.Attention != 0 {
		t.Errorf("of nobody: %+v, %v", got, err)
	}
}

func testKeys(t *testing.T, b *bench) {
	at := b.clock.Now()
	key := func(n byte) access.Key {
		return access.Key{
			ID: fmt.Sprintf("key_%016x", n), Hash: [32]byte{n}, Tenant: tenant, Principal: "checkout",
			Role: access.Producer, Created: at, Hint: "abcd",
		}
	}
	for n := range byte(3) {
		if err := b.Keys.PutKey(b.ctx, key(n)); err != nil {
			t.Fatal(err)
		}
	}
	for _, twin := range []access.Key{{ID: key(0).ID, Hash: [32]byte{9}}, {ID: "key_9", Hash: key(0).Hash}} {
		if err := b.Keys.PutKey(b.ctx, twin); !errors.Is(err, access.ErrKeyExists) {
			t.Errorf("a second key: %v", err)
		}
	}
	if got, err := b.Keys.LookupKey(b.ctx, [32]byte{1}); err != nil || !reflect.DeepEqual(got, key(1)) {
		t.Errorf("lookup: %+v, %v", got, err)
	}
	if _, err := b.Keys.LookupKey(b.ctx, [32]byte{77}); !errors.Is(err, access.ErrNoKey) {
		t.Errorf("lookup of nothing: %v", err)
	}
	if err := b.Keys.RevokeKey(b.ctx, "key_none", at); !errors.Is(err, access.ErrNoKey) {
		t.Errorf("revoking nothing: %v", err)
	}
	for _, later := range []time.Duration{time.Minute, time.Hour} { // the first moment stays
		if err := b.Keys.RevokeKey(b.ctx, key(1).ID, at.Add(later)); err != nil {
			t.Fatal(err)
		}
	}
	want := []access.Key{key(0), key(1), key(2)}
	want[1].Revoked = at.Add(time.Minute)
	if got, err := b.Keys.ListKeys(b.ctx); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("list\n%+v\nwant\n%+v\n%v", got, want, err)
	}
}
