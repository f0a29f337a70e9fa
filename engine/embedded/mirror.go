package embedded

import (
	"context"
	"fmt"
	"strings"

	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

// Copy is what another ledger has stored, on its way into a store that only mirrors that one. Either may be nil.
type Copy struct {
	Record  *idempotency.Record // whole: Request and Frozen included, if it has them
	Letters []read.Letter       // all of an operation, as they stand
}

// Mirror stores copies in the order given, all in one transaction with where, which says how far the mirror has come: see
// Mirrored. An empty value forgets its name. A record whose version is not above the stored one is no news and is left out, so that giving a copy again
// does no harm. One that has reached a state of which apps are told appends its outcome to the feed.
//
// A mirror is for reading: lists, feed, counts. Versions may be skipped, and nobody holds a reference in it, since
// copies of two payments may come in another order than they were written in. A store that was ever mirrored into is
// never to be committed to.
func (s *Store) Mirror(ctx context.Context, copies []Copy, where map[string]string) error {
	tasks := make([]*commitTask, len(copies))
	for i, c := range copies {
		var err error
		if c.Record == nil {
			continue
		}
		if tasks[i], err = newMirrorTask(*c.Record); err != nil {
			return err
		}
	}
	return s.submit(ctx, newErrand(func(b *batch) error {
		for i, c := range copies {
			if t := tasks[i]; t != nil {
				if err := t.mirror(b); err != nil {
					return err
				}
			}
			if err := b.mirrorLetters(c.Letters); err != nil {
				return err
			}
		}
		for name, value := range where {
			if err := setOrForget(b.w.link, metaMirror+name, value); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Mirrored gives what Mirror was told last, by name.
func (r *Reader) Mirrored(ctx context.Context) (map[string]string, error) {
	rows, err := r.metaRows(ctx)
	if err != nil {
		return nil, err
	}
	where := map[string]string{}
	for name, value := range rows {
		if name, ok := strings.CutPrefix(name, metaMirror); ok {
			where[name] = string(value)
		}
	}
	return where, nil
}

func setOrForget(l *link, name, value string) error {
	if value != "" {
		return setMeta(l, name, []byte(value))
	}
	s, err := l.prepare("DELETE FROM meta WHERE name = ?")
	if err != nil {
		return err
	}
	_, err = s.exec(name)
	return closing(err, s)
}

// mirrorLetters states letters anew. Which row is which letter is told by operation, class and moment, and by order where
// those are the same.
func (b *batch) mirrorLetters(letters []read.Letter) (err error) {
	if len(letters) == 0 {
		return nil
	}
	find, err := b.w.link.prepare("SELECT no FROM letter WHERE op = ? AND class = ? AND opened = ? AND no > ? ORDER BY no LIMIT 1")
	if err != nil {
		return err
	}
	defer func() { err = closing(err, find) }()
	restate, err := b.w.link.prepare("UPDATE letter SET reason = ?, resolved = ? WHERE no = ?")
	if err != nil {
		return err
	}
	defer func() { err = closing(err, restate) }()
	add, err := b.w.link.prepare("INSERT INTO letter (no, op, tenant, class, reason, opened, resolved) VALUES (?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer func() { err = closing(err, add) }()
	type name struct {
		class  idempotency.AttentionClass
		opened idempotency.Instant
	}
	last := map[name]int64{} // row of the letter before of the same name
	for _, l := range letters {
		n := name{l.Class, l.Opened}
		row, err := find.row(l.Operation[:], string(l.Class), int64(l.Opened), last[n])
		if err != nil {
			return err
		}
		if row != nil {
			last[n] = integer(row[0])
			_, err = restate.exec(l.Reason, null(int64(l.Resolved)), last[n])
		} else {
			b.w.counters.letter++
			last[n] = b.w.counters.letter
			_, err = add.exec(last[n], l.Operation[:], l.Tenant, string(l.Class), l.Reason, int64(l.Opened), null(int64(l.Resolved)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// metaMirror is before the names that Mirror is given.
const metaMirror = "mirror:"

func newMirrorTask(r idempotency.Record) (*commitTask, error) {
	if r.Version == 0 {
		return nil, fmt.Errorf("%w: a copy without a version", ErrChange)
	}
	c := idempotency.Change{Record: &r, Expect: r.Version - 1, WriteRequest: r.Request != nil, Freeze: r.Frozen != nil}
	if r.Announced() {
		o := r.Outcome()
		c.Outcome = &o
	}
	t, err := newCommitTask(c)
	if err != nil {
		return nil, err
	}
	t.copied = true
	return t, t.encodeBase()
}

// mirror writes the copy if it is news.
func (t *commitTask) mirror(b *batch) error {
	r := t.c.Record
	cur := b.memory(r.ID)
	if cur == nil {
		var err error
		if cur, err = b.lookup(r.ID); err != nil {
			return err
		}
	}
	var l *live
	var err error
	switch {
	case cur == nil:
		l, err = t.insert(b)
	case cur.version >= r.Version:
		return nil
	default:
		l, err = t.update(b, cur)
	}
	if err != nil {
		return err
	}
	if l == nil {
		return fmt.Errorf("%w: a copy was refused", ErrCorrupt)
	}
	if cur != nil && cur.state == r.State {
		return nil // told before
	}
	return t.event(b, l)
}
