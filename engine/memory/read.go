package memory

import (
	"context"
	"strconv"
	"time"

	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

// List implements read.Reader.
func (s *Store) List(ctx context.Context, f read.Filter) (read.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := parseCursor(f.Cursor, len(s.order)+1)
	if err != nil || ctx.Err() != nil {
		return read.Page{}, firstOf(err, ctx.Err())
	}
	var p read.Page
	for n := before - 1; n >= 1; n-- {
		r := s.order[n-1].record
		if r.Tenant != f.Tenant || f.State != idempotency.Absent && r.State != f.State || f.Attention && r.Attention == nil ||
			f.Reference != "" && r.Reference != f.Reference || r.Created <= f.CreatedAfter && f.CreatedAfter != 0 {
			continue
		}
		p.Records = append(p.Records, r)
		if len(p.Records) == limit(f.Limit) {
			p.Next = read.Cursor(strconv.Itoa(n))
			break
		}
	}
	return p, nil
}

// Events implements read.Reader.
func (s *Store) Events(ctx context.Context, tenant string, after int64, most int) (read.Feed, error) {
	if err := ctx.Err(); err != nil {
		return read.Feed{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := read.Feed{Next: max(after, 0), Generation: 1}
	for pos := f.Next + 1; pos <= int64(len(s.feed)) && len(f.Events) < limit(most); pos++ {
		e := s.feed[pos-1]
		if e.tenant == tenant {
			f.Events = append(f.Events, read.Event{Pos: pos, Outcome: e.outcome})
		}
		f.Next = pos
	}
	return f, nil
}

// Appended implements read.Waiter.
func (s *Store) Appended() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.appended
}

// Overview implements read.Reader.
func (s *Store) Overview(ctx context.Context, tenant string) (read.Overview, error) {
	if err := ctx.Err(); err != nil {
		return read.Overview{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := read.Overview{States: map[idempotency.State]int64{}}
	for _, e := range s.order {
		if e.record.Tenant != tenant {
			continue
		}
		o.States[e.record.State]++
		if e.record.Attention != nil {
			o.Attention++
		}
	}
	return o, nil
}

// Letters implements read.Letters.
func (s *Store) Letters(ctx context.Context, f read.LetterFilter) (read.LetterPage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := parseCursor(f.Cursor, len(s.letters)+1)
	if err != nil || ctx.Err() != nil {
		return read.LetterPage{}, firstOf(err, ctx.Err())
	}
	var p read.LetterPage
	for n := before - 1; n >= 1; n-- {
		l := s.letters[n-1]
		if f.Tenant != "" && l.Tenant != f.Tenant || f.Class != "" && l.Class != f.Class || f.Open && l.Resolved != 0 {
			continue
		}
		p.Letters = append(p.Letters, l)
		if len(p.Letters) == limit(f.Limit) {
			p.Next = read.Cursor(strconv.Itoa(n))
			break
		}
	}
	return p, nil
}

func limit(n int) int {
	if n <= 0 {
		return read.DefaultLimit
	}
	return min(n, read.MaxLimit)
}

// parseCursor reads the number of the last entry of the page before.
func parseCursor(c read.Cursor, end int) (int, error) {
	if c == "" {
		return end, nil
	}
	n, err := strconv.Atoi(string(c))
	if err != nil || n < 1 || n > end || strconv.Itoa(n) != string(c) {
		return 0, read.ErrCursor
	}
	return n, nil
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// PutKey implements access.Store.
func (s *Store) PutKey(_ context.Context, k access.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.keys {
		if other.ID == k.ID || other.Hash == k.Hash {
			return access.ErrKeyExists
		}
	}
	s.keys = append(s.keys, k)
	return nil
}

// ListKeys implements access.Store.
func (s *Store) ListKeys(context.Context) ([]access.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]access.Key(nil), s.keys...), nil
}

// RevokeKey implements access.Store.
func (s *Store) RevokeKey(_ context.Context, id string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.keys {
		if s.keys[i].ID == id {
			if s.keys[i].Active() {
				s.keys[i].Revoked = at
			}
			return nil
		}
	}
	return access.ErrNoKey
}

// LookupKey implements access.Store.
func (s *Store) LookupKey(_ context.Context, hash [32]byte) (access.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys {
		if k.Hash == hash {
			return k, nil
		}
	}
	return access.Key{}, access.ErrNoKey
}
