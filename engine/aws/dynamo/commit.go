package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// maxRounds bounds how often one Change tries to take a reference or a letter that others take as well.
const maxRounds = 16

// Write commits the ledger's part of a Change: the record with the holder of its reference, and the letter, all or
// nothing. It checks the whole Change, and leaves messages and outcome to the caller, to be carried out in this order
// after Write has returned nil.
//
// Units: one write unit for each started kilobyte of the record's item (1 on the happy path); twice as much, and 2 for
// the holder, if the record takes its reference; see Units.
// Errors: *idempotency.StaleError, *idempotency.HeldError, ErrChange: nothing was written. Any other: it may or may not
// have been written; read before concluding. After a lost answer StaleError may also mean that the Change was written
// and overtaken since; as always, the record that it brings is the one to go on from.
func (l *Ledger) Write(ctx context.Context, c idempotency.Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := check(c); err != nil {
		return err
	}
	if c.Record == nil && c.Letter == nil {
		return nil
	}
	p, err := newPlan(c)
	if err != nil {
		return err
	}
	for _, part := range p.parts {
		if _, err := l.write(ctx, "writing a part of a record", []write{part}); err != nil {
			return err
		}
	}
	return l.commit(ctx, &p)
}

// progress is what a commit learns from refusals.
type progress struct {
	takes bool   // the reference is taken in this commit
	turn  uint64 // the holder's turn that was read to be free; 0: none was
}

func (l *Ledger) commit(ctx context.Context, p *plan) error {
	at := progress{takes: p.holding && p.change.Expect == 0}
	for range maxRounds {
		writes, err := l.writes(ctx, p, at)
		if err != nil || len(writes) == 0 {
			return err
		}
		refusals, err := l.write(ctx, "committing", writes)
		if err != nil || refusals == nil {
			return err
		}
		if at, err = l.learn(ctx, p, at, refusals); err != nil {
			return err
		}
	}
	return fmt.Errorf("committing: %w", ErrContended)
}

// writes lists the record first, then the holder, then the letter.
func (l *Ledger) writes(ctx context.Context, p *plan, at progress) ([]write, error) {
	var writes []write
	if p.record != nil {
		writes = append(writes, p.recordWrite(at.takes))
	}
	if at.takes {
		writes = append(writes, p.holderWrite(at.turn))
	}
	if p.change.Letter == nil {
		return writes, nil
	}
	w, err := l.letterWrite(ctx, *p.change.Letter)
	if err != nil {
		return nil, err
	}
	if w != nil {
		writes = append(writes, *w)
	}
	return writes, nil
}

// learn turns refusals into the answer to the caller, or into what to do in the next round.
func (l *Ledger) learn(ctx context.Context, p *plan, at progress, refusals []refusal) (progress, error) {
	if p.record == nil {
		return at, nil // another changed the letter
	}
	if refusals[0].refused {
		return l.stale(ctx, p, at, refusals[0].item)
	}
	if at.takes && refusals[1].refused {
		return l.held(ctx, p, at, refusals[1].item)
	}
	return at, nil
}

// stale judges the stored item of the record itself.
func (l *Ledger) stale(ctx context.Context, p *plan, at progress, it item) (progress, error) {
	if it == nil {
		return at, &idempotency.StaleError{}
	}
	s, err := parse(it)
	if err != nil {
		return at, err
	}
	if s.version == p.change.Expect && p.holding && !s.holds && !at.takes {
		at.takes = true
		return at, nil
	}
	r, err := l.whole(ctx, s)
	if err != nil {
		return at, err
	}
	return at, &idempotency.StaleError{Current: r}
}

// held judges the stored item of the reference's holder.
func (l *Ledger) held(ctx context.Context, p *plan, at progress, it item) (progress, error) {
	owner, turn, err := parseHolder(it)
	if err != nil {
		return at, err
	}
	at.turn = turn
	if owner == p.change.Record.ID {
		return at, l.own(ctx, p) // it is not holding any more, or it exists and answers
	}
	holder, err := l.Load(ctx, owner)
	switch {
	case errors.Is(err, idempotency.ErrNotFound):
		return at, fmt.Errorf("%w: the holder of a reference, %s, has no record", ErrCorrupt, owner)
	case err != nil:
		return at, err
	case !holder.Holds:
		return at, nil
	}
	// DynamoDB promises a reason for each item, but not that it looks at all of them once one has failed.
	if err := l.own(ctx, p); err != nil {
		return at, err
	}
	return at, &idempotency.HeldError{Holder: holder}
}

// own compares the record itself once more: an existing record answers first.
func (l *Ledger) own(ctx context.Context, p *plan) error {
	r, err := l.Load(ctx, p.change.Record.ID)
	if err != nil && !errors.Is(err, idempotency.ErrNotFound) {
		return err
	}
	if r.Version != p.change.Expect {
		return &idempotency.StaleError{Current: r}
	}
	return nil
}

func parseHolder(it item) (owner events.ID, turn uint64, err error) {
	b, err := binaryOf(it, attrOwner)
	if err != nil {
		return owner, 0, err
	}
	if turn, err = numberOf(it, attrTurn); err != nil {
		return owner, 0, err
	}
	if len(b) != len(owner) || turn == 0 {
		return owner, 0, fmt.Errorf("%w: the holder of a reference names no operation", ErrCorrupt)
	}
	return events.ID(b), turn, nil
}

// MarkPublished notes in a final record, at the version it was written at, that its outcome is durable. r is the record
// as written by Write, Published not yet set. Another version is no error: whoever wrote it has published.
//
// Units: as Write of a record that takes no reference, and 1 more if it was due. Errors: ErrChange for a record that is
// not final; else it may or may not have been written, which is harmless: the outcome is published again.
func (l *Ledger) MarkPublished(ctx context.Context, r idempotency.Record) error {
	if !r.State.Final() || r.Version == 0 {
		return fmt.Errorf("%w: only the outcome of a final record is published", ErrChange)
	}
	r.Published, r.Due = true, 0
	p, err := newPlan(idempotency.Change{Record: &r, Expect: r.Version})
	if err != nil {
		return err
	}
	_, err = l.write(ctx, "marking a record as published", []write{*p.record})
	return err
}
