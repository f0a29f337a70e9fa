package embedded

import (
	"context"
	"fmt"

	"github.com/payonce/payonce/engine/encoding"
	"github.com/payonce/payonce/idempotency"
)

// AtomicAccept is true: record and message are one transaction.
func (s *Store) AtomicAccept() bool { return true }

// Commit implements idempotency.Ledger.
func (s *Store) Commit(ctx context.Context, c idempotency.Change) error {
	if c.Empty() {
		return nil
	}
	t, err := newCommitTask(c)
	if err != nil {
		return err
	}
	return s.submit(ctx, t)
}

// commitTask is one Change. Its caller encodes, so that the writer only writes.
type commitTask struct {
	c                                   idempotency.Change
	hot, base, request, frozen, outcome []byte
	ref                                 []byte
	copied                              bool // for a mirror: it holds nothing
	verdict                             error
	answer                              chan error
}

func newCommitTask(c idempotency.Change) (t *commitTask, err error) {
	if err := check(c); err != nil {
		return nil, err
	}
	t = &commitTask{c: c, answer: make(chan error, 1)}
	if r := c.Record; r != nil {
		t.ref = refToken(r.Tenant, r.Reference)
		if t.hot, err = encoding.Marshal(encoding.HotOf(r)); err != nil {
			return nil, err
		}
		if c.Expect == 0 {
			if err := t.encodeBase(); err != nil {
				return nil, err
			}
		}
		if c.WriteRequest {
			if t.request, err = encoding.Marshal(r.Request); err != nil {
				return nil, err
			}
		}
		if c.Freeze {
			if t.frozen, err = encoding.Marshal(r.Frozen); err != nil {
				return nil, err
			}
		}
	}
	if c.Outcome != nil {
		if t.outcome, err = encoding.Marshal(c.Outcome); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *commitTask) encodeBase() (err error) {
	t.base, err = encoding.Marshal(encoding.BaseOf(t.c.Record))
	return err
}

// check refuses what no caller that follows the port sends.
func check(c idempotency.Change) error {
	r := c.Record
	switch {
	case r == nil && (c.WriteRequest || c.Freeze):
		return fmt.Errorf("%w: it writes parts of no record", ErrChange)
	case r == nil && c.Outcome != nil:
		return fmt.Errorf("%w: an outcome without its record", ErrChange)
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

func (t *commitTask) reply() <-chan error { return t.answer }

func (t *commitTask) finish(err error) {
	if err == nil {
		err = t.verdict
	}
	t.answer <- err
}

// apply writes the record first: it is the only part that can be refused.
func (t *commitTask) apply(b *batch) error {
	t.verdict = nil
	var l *live
	if t.c.Record != nil {
		var err error
		if l, err = t.record(b); l == nil || err != nil {
			return err
		}
	}
	b.wrote = true
	for _, m := range t.c.Messages {
		if err := b.enqueue(m); err != nil {
			return err
		}
	}
	if err := t.event(b, l); err != nil {
		return err
	}
	if t.c.Letter != nil {
		return b.letter(*t.c.Letter)
	}
	return nil
}

// event appends the outcome of l to the feed, if there is one.
func (t *commitTask) event(b *batch, l *live) error {
	if t.outcome == nil {
		return nil
	}
	b.w.counters.pos++
	b.events++
	_, err := b.w.st.insertEvent.exec(b.w.counters.pos, l.tenant, l.seq, int64(b.now), t.outcome)
	return err
}

// record writes the record. It returns nil, and leaves the verdict, if the Change is refused.
func (t *commitTask) record(b *batch) (*live, error) {
	r := t.c.Record
	cur := b.memory(r.ID)
	if cur == nil && t.c.Expect == 0 {
		l, err := t.insert(b)
		if l != nil || err != nil {
			return l, err
		}
	}
	if cur == nil {
		var err error
		if cur, err = b.lookup(r.ID); err != nil {
			return nil, err
		}
	}
	switch {
	case cur == nil && t.c.Expect == 0: // not the id, so it was the reference
		return nil, t.held(b)
	case cur == nil:
		t.verdict = &idempotency.StaleError{}
		return nil, nil
	case cur.version != t.c.Expect:
		current, err := b.record(cur)
		t.verdict = &idempotency.StaleError{Current: current}
		return nil, err
	}
	return t.update(b, cur)
}

// insert writes a new record. Nil if its id or its reference is taken.
func (t *commitTask) insert(b *batch) (*live, error) {
	tenant, err := b.tenant(t.c.Record.Tenant)
	if err != nil {
		return nil, err
	}
	l := t.live(b.w.counters.seq+1, tenant)
	r := t.c.Record
	n, err := b.w.st.insert.exec(l.seq, r.ID[:], l.tenant, int64(l.state), int64(l.version), int64(r.Created),
		bytesOrNull(t.ref), slotOrNull(l), null(int64(l.due)), flag(l.attention), t.hot)
	if n == 0 || err != nil {
		return nil, err
	}
	b.w.counters.seq++
	b.tally[[2]int64{tenant, int64(l.state)}]++
	// Without a request or a frozen form of its own, a new record has none.
	l.full = true
	if !t.c.WriteRequest {
		l.record.Request = nil
	}
	if !t.c.Freeze {
		l.record.Frozen = nil
	}
	if _, err := b.w.st.insertOrigin.exec(l.seq, t.base, bytesOrNull(t.request)); err != nil {
		return nil, err
	}
	return l, t.parts(b, l)
}

func (t *commitTask) update(b *batch, cur *live) (*live, error) {
	l := t.live(cur.seq, cur.tenant)
	var n int64
	var err error
	if l.ref == cur.ref && l.slot == cur.slot && l.due == cur.due && l.attention == cur.attention {
		n, err = b.w.st.updateHot.exec(int64(l.state), int64(l.version), t.hot, l.seq)
	} else {
		n, err = b.w.st.updateAll.exec(int64(l.state), int64(l.version), t.hot, bytesOrNull(t.ref), slotOrNull(l),
			null(int64(l.due)), flag(l.attention), l.seq)
		if n == 0 && err == nil {
			return nil, t.held(b)
		}
	}
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, fmt.Errorf("%w: a record that was there has gone", ErrCorrupt)
	}
	if l.state != cur.state {
		b.tally[[2]int64{l.tenant, int64(cur.state)}]--
		b.tally[[2]int64{l.tenant, int64(l.state)}]++
	}
	was, err := b.record(cur)
	if err != nil {
		return nil, err
	}
	// What this Change does not write is as it was; the caller's copy may be incomplete.
	l.full = true
	if !t.c.WriteRequest {
		l.record.Request = was.Request
	}
	if !t.c.Freeze {
		l.record.Frozen = was.Frozen
	}
	l.parts = max(l.parts, cur.parts)
	if err := t.origin(b, cur.seq, encoding.BaseOf(&was)); err != nil {
		return nil, err
	}
	return l, t.parts(b, l)
}

// origin writes what hardly ever changes, if it does: a payment that was found at Stripe learns its request later.
func (t *commitTask) origin(b *batch, seq int64, was encoding.Base) (err error) {
	base := encoding.BaseOf(t.c.Record)
	if base == was && t.request == nil {
		return nil
	}
	if t.base, err = encoding.Marshal(base); err != nil {
		return err
	}
	_, err = b.w.st.updateOrigin.exec(t.base, bytesOrNull(t.request), seq)
	return err
}

// parts writes what stands apart from the record and stages the whole.
func (t *commitTask) parts(b *batch, l *live) error {
	b.wrote = true
	if t.frozen != nil {
		if _, err := b.w.st.insertFrozen.exec(l.seq, t.frozen); err != nil {
			return err
		}
	}
	b.staged[l.record.ID] = l
	return nil
}

func (t *commitTask) held(b *batch) error {
	holder, err := b.holder(string(t.ref))
	t.verdict = &idempotency.HeldError{Holder: holder}
	return err
}

func (t *commitTask) live(seq, tenant int64) *live {
	r := t.c.Record
	l := &live{
		seq: seq, tenant: tenant, state: r.State, version: r.Version, ref: string(t.ref), due: r.Due,
		attention: r.Attention != nil, record: *r,
		hot: len(t.hot), parts: len(t.base) + len(t.request) + len(t.frozen),
	}
	if t.ref != nil && (t.copied || !r.Holds) {
		l.slot = seq
	}
	return l
}

// enqueue puts a message on the queue.
func (b *batch) enqueue(m idempotency.Message) error {
	b.w.counters.mid++
	q := &message{mid: b.w.counters.mid, op: m.Operation, trace: m.Trace, enqueued: b.now}
	if m.Delay > 0 {
		q.avail = b.now.Add(m.Delay)
		q.until = b.w.s.now().Add(m.Delay)
	}
	b.queued = append(b.queued, q)
	_, err := b.w.st.insertMessage.exec(q.mid, q.op[:], int64(q.enqueued), null(int64(q.avail)), textOrNull(q.trace))
	return err
}

// letter opens a letter, restates the open one of its class, or resolves what is open.
func (b *batch) letter(l idempotency.Letter) error {
	op := l.Operation
	if l.Resolved {
		_, err := b.w.st.resolveLetters.exec(int64(l.At), op[:])
		return err
	}
	row, err := b.w.st.findLetter.row(op[:], string(l.Class))
	if err != nil {
		return err
	}
	if row != nil {
		_, err = b.w.st.restate.exec(l.Reason, integer(row[0]))
		return err
	}
	b.w.counters.letter++
	_, err = b.w.st.openLetter.exec(b.w.counters.letter, op[:], l.Tenant, string(l.Class), l.Reason, int64(l.At))
	return err
}
