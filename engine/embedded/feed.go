package embedded

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

// feed tells readers that wait of new outcomes. Safe for concurrent use.
type feed struct {
	mu   sync.Mutex
	next chan struct{}
}

func newFeed() *feed { return &feed{next: make(chan struct{})} }

func (f *feed) appended() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.next)
	f.next = make(chan struct{})
}

// Appended implements read.Waiter.
func (s *Store) Appended() <-chan struct{} {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	return s.feed.next
}

// Events implements read.Reader. One writer gives the positions, in the order of commits.
func (r *Reader) Events(ctx context.Context, tenant string, after int64, limit int) (read.Feed, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	f := read.Feed{Next: max(after, 0)}
	no, known, err := r.tenant(ctx, tenant)
	if err != nil {
		return read.Feed{}, err
	}
	// A tenant that is not known yet keeps its position: its first outcome may be committed at this moment.
	if known {
		if err := r.follow(ctx, &f, no, pageLimit(limit)); err != nil {
			return read.Feed{}, err
		}
	}
	// Read last, so that what was pruned meanwhile is told.
	meta, err := r.metaRows(ctx)
	if err != nil {
		return read.Feed{}, err
	}
	f.Pruned, f.Generation = int64(number(meta[metaPruned])), number(meta[metaGeneration])
	return f, nil
}

// follow reads the feed from f.Next on, for a bounded time.
func (r *Reader) follow(ctx context.Context, f *read.Feed, tenant int64, limit int) error {
	rows, err := r.feedAfter.QueryContext(ctx, f.Next)
	if err != nil {
		return fmt.Errorf("reading the feed: %w", explain(err))
	}
	defer func() { _ = rows.Close() }() // Err tells what matters
	deadline := time.Now().Add(scanTime)
	for n := 1; len(f.Events) < limit && rows.Next(); n++ {
		var pos, of int64
		var body sql.RawBytes
		if err := rows.Scan(&pos, &of, &body); err != nil {
			return fmt.Errorf("reading the feed: %w", explain(err))
		}
		if of == tenant {
			o, err := decodeOutcome(body)
			if err != nil {
				return err
			}
			f.Events = append(f.Events, read.Event{Pos: pos, Outcome: o})
		}
		f.Next = pos
		if n%256 == 0 && time.Now().After(deadline) {
			break
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading the feed: %w", explain(err))
	}
	return nil
}

// pruneBatch is how many outcomes one commit removes.
const pruneBatch = 500

// PruneEvents removes outcomes that were appended before a moment from the feed, oldest first, and tells how many.
// It works in small commits, so that others pass in between. Positions are not given again.
func (s *Store) PruneEvents(ctx context.Context, before time.Time) (int64, error) {
	var total int64
	for {
		removed, err := s.prune(ctx, idempotency.At(before))
		total += removed
		if err != nil || removed < pruneBatch {
			return total, err
		}
	}
}

func (s *Store) prune(ctx context.Context, before idempotency.Instant) (int64, error) {
	var removed int64
	err := s.submit(ctx, newErrand(func(b *batch) error {
		last, n, err := prunable(b.w.link, before)
		if err != nil || n == 0 {
			return err
		}
		if err := setMeta(b.w.link, metaPruned, numberBytes(uint64(last))); err != nil {
			return err
		}
		st, err := b.w.link.prepare("DELETE FROM event WHERE pos <= ?")
		if err != nil {
			return err
		}
		removed, err = st.exec(last)
		return errors.Join(err, st.close())
	}))
	return removed, err
}

// prunable finds the end of the next piece that may go: all before the first outcome that is too young.
func prunable(l *link, before idempotency.Instant) (last, n int64, err error) {
	st, err := l.prepare("SELECT pos, at FROM event ORDER BY pos LIMIT ?")
	if err != nil {
		return 0, 0, err
	}
	err = st.each(func(row []driver.Value) bool {
		if integer(row[1]) >= int64(before) {
			return false
		}
		last = integer(row[0])
		n++
		return true
	}, int64(pruneBatch))
	return last, n, errors.Join(err, st.close())
}
