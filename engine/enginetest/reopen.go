package enginetest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

// reopen closes and opens the engine. False, and the test is over, for one that declares that it keeps nothing.
func (b *bench) reopen() bool {
	b.t.Helper()
	if b.Reopen == nil {
		b.t.Log("the engine declares that it keeps nothing")
		return false
	}
	b.Engine = b.Reopen(b.t)
	if b.ApproximateDepth {
		b.pass(2 * b.unit()) // what was in flight is so until then
	}
	return true
}

func testReopen(t *testing.T, b *bench) {
	if b.Reopen == nil {
		b.reopen()
		return
	}
	want := map[events.ID]idempotency.Record{}
	keep := func(r idempotency.Record) idempotency.Record {
		want[r.ID] = r
		return r
	}
	for i := range 40 {
		r := keep(b.accept(fmt.Sprint("k", i), fmt.Sprint("order-", i)))
		if i%2 == 0 {
			r = keep(b.commit(Claim(b.clock.Now(), r, "1/1")))
		}
		if i%4 == 0 {
			keep(b.commit(Settle(b.clock.Now(), r, idempotency.Succeeded)))
		}
	}
	gone := map[events.ID]bool{}
	for _, d := range b.collect(10, time.Hour) {
		b.delete(nil, d.Receipt)
		gone[d.Operation] = true
	}
	b.collect(10, 2*b.unit()) // in flight: visible again after the restart
	b.commit(idempotency.Change{Messages: []idempotency.Message{{Operation: ID(tenant, "k0"), Delay: 10 * b.unit()}}})
	feed, err := b.Reader.Events(b.ctx, tenant, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	b.reopen()

	for id, r := range want {
		if got := b.load(id); !reflect.DeepEqual(got, r) {
			t.Errorf("after reopening\n%+v\nstored\n%+v", got, r)
		}
	}
	b.wantDepth(30, 0, 1)
	seen := map[events.ID]bool{}
	for len(seen) < 30 {
		for _, d := range b.receive(10, time.Hour) {
			if seen[d.Operation] || gone[d.Operation] {
				t.Fatalf("%s was deleted or delivered before", d.Operation)
			}
			seen[d.Operation] = true
		}
	}
	b.pass(10 * b.unit())
	if d := b.receive(10, time.Hour); len(d) != 1 || d[0].Operation != ID(tenant, "k0") {
		t.Errorf("the delayed message: %+v", d)
	}
	_ = refused[*idempotency.HeldError](t, b, Accept(b.clock.Now(), tenant, "new", "order-0"))
	if again, err := b.Reader.Events(b.ctx, tenant, 0, 100); err != nil || !reflect.DeepEqual(again.Events, feed.Events) {
		t.Errorf("the feed is\n%+v\nwas\n%+v\n%v", again, feed, err)
	}
	r := b.accept("new", "")
	b.commit(Settle(b.clock.Now(), r, idempotency.Failed))
	more, err := b.Reader.Events(b.ctx, tenant, feed.Next, 100)
	if err != nil || len(more.Events) != 1 || more.Events[0].Pos <= feed.Next {
		t.Errorf("the feed goes on with %+v, %v", more, err)
	}
	if o, err := b.Reader.Overview(b.ctx, tenant); err != nil || o.States[idempotency.Succeeded] != 10 {
		t.Errorf("overview %+v, %v", o, err)
	}
	if p, err := b.Reader.List(b.ctx, read.Filter{Tenant: tenant, Limit: 100}); err != nil || len(p.Records) != 41 {
		t.Errorf("%d payments are listed, %v", len(p.Records), err)
	}
}

// testPoisonReopen: a message that ends the process each time it is received is found out by its count.
func testPoisonReopen(t *testing.T, b *bench) {
	b.accept("k1", "")
	for want := range 5 {
		d := b.receive(1, 2*b.unit())[0]
		// The first delivery may go uncounted over the restart, the others not.
		if d.Receives < want {
			t.Errorf("delivery %d says %d", want+1, d.Receives)
		}
		if !b.reopen() {
			return
		}
	}
}
