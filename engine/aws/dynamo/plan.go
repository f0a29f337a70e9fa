package dynamo

import (
	"encoding/hex"
	"fmt"
	"net/url"

	"github.com/payonce/payonce/engine/encoding"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// unitBytes is what one write request unit covers.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
const unitBytes = 1024

const (
	// growth is what an ordinary payment's record grows by from accept to outcome, in bytes, without the frozen form:
	// one attempt with Stripe's ids and two more notes. A test measures it.
	growth = 330
	// maxInlineFrozen is the biggest frozen form that stays in the record's item. A confirm fits; the form of a one-step
	// payment with metadata would make every later write of the record dearer than an item of its own does once.
	maxInlineFrozen = 320
)

// plan is what a Change writes, as data. parts are written first, each by itself.
type plan struct {
	change  idempotency.Change
	record  *write // nil: only a letter
	holding bool   // the record is to hold a reference
	parts   []write
}

func newPlan(c idempotency.Change) (p plan, err error) {
	p.change = c
	r := c.Record
	if r == nil {
		return p, nil
	}
	p.holding = r.Holds
	w := write{pk: operationKey(r.ID), set: item{}, whole: c.Expect == 0, cond: ifAbsent}
	if c.Expect > 0 {
		w.cond, w.expect = ifVersion, number(c.Expect)
	}
	data, err := encoding.Pack(r)
	if err != nil {
		return p, err
	}
	w.set[attrVersion], w.set[attrData] = number(r.Version), binary(data)
	p.flag(&w, r.Holds, item{attrHolds: yes})
	p.flag(&w, r.Due != 0, item{attrShard: number(shardOf(r.ID)), attrDue: number(r.Due)})
	if c.WriteRequest {
		b, err := encoding.PackRequest(r)
		if err != nil {
			return p, err
		}
		p.put(&w, b, attrRequest, attrRequestP, p.fits(w, b))
	}
	if c.Freeze {
		b, err := encoding.PackFrozen(r)
		if err != nil {
			return p, err
		}
		p.put(&w, b, attrFrozen, attrFrozenP, len(b) <= maxInlineFrozen)
	}
	p.record = &w
	return p, nil
}

// flag sets attributes, or removes them from an item that may have them.
func (p *plan) flag(w *write, set bool, attributes item) {
	for name, v := range attributes {
		switch {
		case set:
			w.set[name] = v
		case !w.whole:
			w.remove = append(w.remove, name)
		}
	}
}

// put stores what is written once: in the record's item, or in an item of its own that the record's names.
func (p *plan) put(w *write, content []byte, inline, pointer string, fits bool) {
	name, other, v := inline, pointer, content
	if !fits {
		hash := partHash(content)
		id := p.change.Record.ID
		p.parts = append(p.parts, write{
			pk: key(kindPart, id[:], hash), whole: true, set: item{attrData: binary(content)},
		})
		name, other, v = pointer, inline, hash
	}
	w.set[name] = binary(v)
	if !w.whole {
		w.remove = append(w.remove, other)
	}
}

// fits reports whether the record's item stays within one write unit, with this request in it, through all writes of
// the happy path. An item of its own costs its own units, once.
func (p *plan) fits(w write, request []byte) bool {
	size := Size(w.item()) + len(attrRequest) + len(request)
	return size+growth+frozenSize(p.change.Record.Request) <= unitBytes
}

// frozenSize is about what the frozen confirm of a request will take in the item.
func frozenSize(q *events.Payment) int {
	const names = len("payment_method=&return_url=&off_session=true&expand%5B%5D=latest_charge")
	const around = len(attrFrozen) + len("2023-10-16") + 8
	return names + around + len(q.PaymentMethod) + len(url.QueryEscape(q.ReturnURL))
}

// recordWrite is the write of the record. If it does not take the reference in the same transaction, then a record
// that is to hold one must hold it already.
func (p *plan) recordWrite(takes bool) write {
	w := *p.record
	if p.holding && !takes && p.change.Expect > 0 {
		w.cond = ifHolding
	}
	return w
}

// holderWrite takes the reference. turn is the holder item's turn as it was read; 0: there is none.
func (p *plan) holderWrite(turn uint64) write {
	r := p.change.Record
	w := write{
		pk: holderKey(r.Tenant, r.Reference), whole: true, cond: ifAbsent,
		set: item{attrOwner: binary(r.ID[:]), attrTurn: number(turn + 1)},
	}
	if turn > 0 {
		w.cond, w.expect = ifTurn, number(turn)
	}
	return w
}

func holderKey(tenant, reference string) []byte {
	token, err := hex.DecodeString(events.ReferenceToken(tenant, reference))
	if err != nil {
		panic(err) // ReferenceToken gives hexadecimal digits
	}
	return key(kindHolder, token)
}

// check refuses what no caller that follows the port sends, messages and outcome included: they come after the record.
func check(c idempotency.Change) error {
	r := c.Record
	switch {
	case r == nil && (c.WriteRequest || c.Freeze || c.Outcome != nil):
		return fmt.Errorf("%w: it writes parts of no record", ErrChange)
	case r != nil && r.Version != c.Expect+1:
		return fmt.Errorf("%w: version %d does not follow %d", ErrChange, r.Version, c.Expect)
	case r != nil && (c.WriteRequest && r.Request == nil || c.Freeze && r.Frozen == nil):
		return fmt.Errorf("%w: it writes a part that is not there", ErrChange)
	case r != nil && (r.State == idempotency.Absent || r.ID.IsZero() || r.Tenant == ""):
		return fmt.Errorf("%w: a record without id, tenant or state", ErrChange)
	case r != nil && r.Holds && (r.Reference == "" || r.AllowRepeat):
		return fmt.Errorf("%w: it holds a reference that it may not hold", ErrChange)
	}
	for _, m := range c.Messages {
		if m.Delay < 0 || m.Delay > idempotency.MaxMessageDelay || m.Operation.IsZero() {
			return fmt.Errorf("%w: a message with a delay of %s", ErrChange, m.Delay)
		}
	}
	return nil
}
