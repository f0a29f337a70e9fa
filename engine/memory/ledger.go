package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

// AtomicAccept implements idempotency.Ledger.
func (s *Store) AtomicAccept() bool { return !s.config.Split }

// Load implements idempotency.Ledger.
func (s *Store) Load(ctx context.Context, id events.ID) (idempotency.Record, error) {
	if err := ctx.Err(); err != nil {
		return idempotency.Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.records[id]; e != nil {
		return e.record, nil
	}
	return idempotency.Record{}, idempotency.ErrNotFound
}

// Due implements idempotency.Ledger.
func (s *Store) Due(ctx context.Context, now idempotency.Instant, limit int) ([]events.ID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []*entry
	for _, e := range s.order {
		if e.record.Due != 0 && e.record.Due <= now {
			due = append(due, e)
		}
	}
	slices.SortStableFunc(due, func(a, b *entry) int { return cmp.Compare(a.record.Due, b.record.Due) })
	var ids []events.ID
	for _, e := range due[:min(limit, len(due))] {
		ids = append(ids, e.record.ID)
	}
	return ids, nil
}

// Commit implements idempotency.Ledger.
func (s *Store) Commit(ctx context.Context, c idempotency.Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := check(c); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refuse(c); err != nil || c.Empty() {
		return err
	}
	if s.config.Split {
		if err := s.split(c); err != nil {
			return err
		}
		return s.fail(StepAnswer)
	}
	if err := s.fail(StepCommit); err != nil {
		return err
	}
	if c.Record != nil {
		s.put(c, *c.Record)
	}
	for _, m := range c.Messages {
		s.send(m)
	}
	if c.Letter != nil {
		s.letter(*c.Letter)
	}
	if c.Outcome != nil {
		s.publish(*c.Outcome)
	}
	return s.fail(StepAnswer)
}

// check refuses what no caller that follows the port sends.
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

// refuse answers by what is stored: first by the record itself, then by the holder of its reference.
func (s *Store) refuse(c idempotency.Change) error {
	if c.Record == nil {
		return nil
	}
	var current idempotency.Record
	if e := s.records[c.Record.ID]; e != nil {
		current = e.record
	}
	if current.Version != c.Expect {
		return &idempotency.StaleError{Current: current}
	}
	if !c.Record.Holds {
		return nil
	}
	if holder, taken := s.holders[held(*c.Record)]; taken && holder != c.Record.ID {
		return &idempotency.HeldError{Holder: s.records[holder].record}
	}
	return nil
}

func held(r idempotency.Record) purchase { return purchase{r.Tenant, r.Reference} }

// split carries a Change out in the documented order. The record does not claim to be published, and stays due, until
// its outcome is there: whoever finds it so publishes again.
func (s *Store) split(c idempotency.Change) error {
	final := idempotency.Record{}
	if c.Record != nil {
		if err := s.fail(StepRecord); err != nil {
			return err
		}
		final = *c.Record
		first := final
		if c.Outcome != nil && first.Published {
			first.Published, first.Due = false, idempotency.At(s.config.Clock())
		}
		s.put(c, first)
	}
	for _, m := range c.Messages {
		if err := s.fail(StepMessage); err != nil {
			return err
		}
		s.send(m)
	}
	if c.Letter != nil {
		if err := s.fail(StepLetter); err != nil {
			return err
		}
		s.letter(*c.Letter)
	}
	if c.Outcome == nil {
		return nil
	}
	if err := s.fail(StepOutcome); err != nil {
		return err
	}
	s.publish(*c.Outcome)
	if !final.Published {
		return nil
	}
	if err := s.fail(StepPublished); err != nil {
		return err
	}
	s.put(c, final)
	return nil
}

// put stores a record. What the Change does not write stays as it was.
func (s *Store) put(c idempotency.Change, r idempotency.Record) {
	e := s.records[r.ID]
	if e == nil {
		e = &entry{number: len(s.order) + 1}
		s.records[r.ID] = e
		s.order = append(s.order, e)
	}
	if !c.WriteRequest {
		r.Request = e.record.Request
	}
	if !c.Freeze {
		r.Frozen = e.record.Frozen
	}
	switch p := held(r); {
	case r.Holds:
		s.holders[p] = r.ID
	case s.holders[p] == r.ID:
		delete(s.holders, p)
	}
	e.record = r
}

func (s *Store) publish(o events.Outcome) {
	s.feed = append(s.feed, entryEvent{tenant: o.Tenant, at: s.config.Clock(), outcome: o})
	close(s.appended)
	s.appended = make(chan struct{})
}

// letter opens a letter, restates the open one of its class, or resolves what is open.
func (s *Store) letter(l idempotency.Letter) {
	for i := range s.letters {
		open := &s.letters[i]
		switch {
		case open.Operation != l.Operation || open.Resolved != 0:
		case l.Resolved:
			open.Resolved = l.At
		case open.Class == l.Class:
			open.Reason = l.Reason
			return
		}
	}
	if !l.Resolved {
		s.letters = append(s.letters, read.Letter{
			Operation: l.Operation, Tenant: l.Tenant, Class: l.Class, Reason: l.Reason, Opened: l.At,
		})
	}
}

// Gate is the window that the ledger may have forgotten; nil in normal work.
func (s *Store) Gate(context.Context) (*idempotency.Window, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gate, nil
}

// CloseGate forgets the window of Gate: it has been swept.
func (s *Store) CloseGate(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = nil
	return nil
}
