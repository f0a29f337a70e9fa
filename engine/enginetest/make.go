package enginetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// tenant is whose payments these are, unless a test says otherwise.
const tenant = "shop"

// ID is the id that Accept gives the payment of a key.
func ID(tenant, key string) events.ID {
	sum := sha256.Sum256([]byte(tenant + "\x00" + key))
	return events.ID(sum[:16])
}

// Accept is the Change that accepts a new payment.
func Accept(now time.Time, tenant, key, reference string) idempotency.Change {
	c, _, err := idempotency.Next(idempotency.Record{}, idempotency.Submit{
		ID: ID(tenant, key), Tenant: tenant, KeyHash: sha256.Sum256([]byte(key)),
		Fingerprint: sha256.Sum256([]byte(key + reference)), Trace: "00-" + key,
		Request: events.Payment{
			Amount: events.Money{Minor: 1099, Currency: "EUR"}, PaymentMethod: "pm_card_visa", Reference: reference,
			Metadata: map[string]string{"cart": "c" + key},
		},
	}, now)
	if err != nil {
		panic(err) // a new payment is always accepted
	}
	return c
}

// Step is the Change that moves a record to a state, as a step of the protocol would: the history grows and verifies.
func Step(now time.Time, r idempotency.Record, to idempotency.State, edit func(*idempotency.Record)) idempotency.Change {
	c := idempotency.Change{Expect: r.Version}
	note := idempotency.Note{At: idempotency.At(now), From: r.State, To: to, Why: "test", Fence: r.Fence + 1}
	if n := len(r.History); n > 0 {
		note.Before = r.History[n-1].Hash()
	}
	r.History = append(append([]idempotency.Note(nil), r.History...), note)
	r.Notes++
	r.Version++
	r.Fence++
	r.State, r.Updated = to, note.At
	if to.Negative() {
		r.Holds = false
	}
	if edit != nil {
		edit(&r)
	}
	c.Record = &r
	return c
}

// Claim is the Change of a worker's claim, with the frozen request that is written ahead.
func Claim(now time.Time, r idempotency.Record, worker string) idempotency.Change {
	c := Step(now, r, idempotency.Processing, func(r *idempotency.Record) {
		at := idempotency.At(now)
		r.Lease = idempotency.Lease{Owner: worker, Until: at.Add(time.Minute)}
		r.Holds = r.Reference != "" && !r.AllowRepeat
		r.Intent = "pi_3PxTest0000000000000001"
		r.Attempts = []idempotency.Attempt{{
			Number: 1, Key: "payonce-" + r.ID.String() + "-1", FirstSent: at, LastSent: at, Sends: 1,
		}}
		r.Frozen = &idempotency.Frozen{
			Form:       []byte("payment_method=pm_card_visa&return_url=https%3A%2F%2Fshop.example%2Fback&expand[]=latest_charge"),
			APIVersion: "2023-10-16",
		}
	})
	c.Freeze = true
	return c
}

// Settle is the Change that ends a payment and publishes its outcome.
func Settle(now time.Time, r idempotency.Record, to idempotency.State) idempotency.Change {
	c := Step(now, r, to, func(r *idempotency.Record) {
		r.Lease, r.Due, r.Published = idempotency.Lease{}, 0, true
		if to == idempotency.Succeeded {
			r.Captured, r.Charge = r.Amount.Minor, "ch_3PxTest0000000000000001"
			r.Card = &events.Card{Brand: "visa", Last4: "4242", ExpMonth: 12, ExpYear: 2031}
		}
		r.Evidence = &idempotency.Evidence{Source: "answer", RequestID: "req_Test0000000001", Status: "succeeded", At: r.Updated}
	})
	o := c.Record.Outcome()
	c.Outcome = &o
	return c
}

// commit commits or ends the test.
func (b *bench) commit(c idempotency.Change) idempotency.Record {
	b.t.Helper()
	if err := b.Ledger.Commit(b.ctx, c); err != nil {
		b.t.Fatalf("commit: %v", err)
	}
	if c.Record == nil {
		return idempotency.Record{}
	}
	return *c.Record
}

// accept accepts a payment of the usual tenant.
func (b *bench) accept(key, reference string) idempotency.Record {
	b.t.Helper()
	return b.commit(Accept(b.clock.Now(), tenant, key, reference))
}

func (b *bench) load(id events.ID) idempotency.Record {
	b.t.Helper()
	r, err := b.Ledger.Load(b.ctx, id)
	if err != nil {
		b.t.Fatalf("load: %v", err)
	}
	return r
}

// receive receives up to n messages that are visible now, and fails if there is none.
func (b *bench) receive(n int, visibility time.Duration) []queue.Delivery {
	b.t.Helper()
	if !b.ApproximateDepth {
		if d := b.depth(); d.Visible == 0 {
			b.t.Fatalf("nothing is visible: %+v", d)
		}
	}
	ctx, cancel := context.WithTimeout(b.ctx, max(patience, 30*b.RealTime))
	defer cancel()
	got, err := b.Queue.Receive(ctx, n, visibility)
	if err != nil {
		b.t.Fatalf("receive: %v", err)
	}
	return got
}

// collect receives the messages of n operations, however many calls that takes. One delivery each.
func (b *bench) collect(n int, visibility time.Duration) []queue.Delivery {
	b.t.Helper()
	var got []queue.Delivery
	seen := map[events.ID]int{}
	for len(got) < n {
		for _, d := range b.receive(min(n-len(got), queue.MaxBatch), visibility) {
			i, again := seen[d.Operation]
			switch {
			case !again:
				seen[d.Operation] = len(got)
				got = append(got, d)
			case b.Repeats:
				got[i] = d
			default:
				b.t.Fatalf("%s was delivered twice", d.Operation)
			}
		}
	}
	return got
}

func (b *bench) depth() queue.Depth {
	b.t.Helper()
	d, err := b.Queue.Depth(b.ctx)
	if err != nil {
		b.t.Fatalf("depth: %v", err)
	}
	return d
}

// wantDepth compares the counts.
func (b *bench) wantDepth(visible, inFlight, delayed int) {
	b.t.Helper()
	var d queue.Depth
	if !b.eventually(func() bool {
		d = b.depth()
		return d.Visible == visible && d.InFlight == inFlight && d.Delayed == delayed
	}) {
		b.t.Errorf("depth is %d visible, %d in flight, %d delayed; want %d, %d, %d",
			d.Visible, d.InFlight, d.Delayed, visible, inFlight, delayed)
	}
}

// delete deletes and wants one verdict for each.
func (b *bench) delete(want error, receipts ...queue.Receipt) {
	b.t.Helper()
	verdicts, err := b.Queue.Delete(b.ctx, receipts)
	if err != nil {
		b.t.Fatalf("delete: %v", err)
	}
	b.verdicts(want, verdicts, len(receipts))
}

func (b *bench) verdicts(want error, got []error, n int) {
	b.t.Helper()
	if len(got) != n {
		b.t.Fatalf("%d verdicts for %d receipts", len(got), n)
	}
	for _, err := range got {
		if !errors.Is(err, want) {
			b.t.Errorf("verdict %v, want %v", err, want)
		}
	}
}

// refused commits and wants a refusal.
func refused[E error](t *testing.T, b *bench, c idempotency.Change) (e E) {
	t.Helper()
	err := b.Ledger.Commit(b.ctx, c)
	if !errors.As(err, &e) {
		t.Fatalf("commit gave %v, want %T", err, e)
	}
	return e
}
