package embedded

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

const letterColumns = "SELECT no, op, tenant, class, reason, opened, coalesce(resolved, 0) FROM letter "

// Letters implements read.Letters.
func (r *Reader) Letters(ctx context.Context, f read.LetterFilter) (read.LetterPage, error) {
	before, err := cursorNumber(f.Cursor)
	if err != nil {
		return read.LetterPage{}, err
	}
	limit := pageLimit(f.Limit)
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	stmt := r.letters
	if f.Open {
		stmt = r.openLetters
	}
	rows, err := stmt.QueryContext(ctx, before)
	if err != nil {
		return read.LetterPage{}, fmt.Errorf("listing letters: %w", explain(err))
	}
	defer func() { _ = rows.Close() }() // Err tells what matters
	var p read.LetterPage
	deadline := time.Now().Add(scanTime)
	for n := 1; rows.Next(); n++ {
		no, l, err := scanLetter(rows)
		if err != nil {
			return read.LetterPage{}, err
		}
		if (f.Tenant == "" || f.Tenant == l.Tenant) && (f.Class == "" || f.Class == l.Class) {
			p.Letters = append(p.Letters, l)
		}
		if len(p.Letters) == limit || n%256 == 0 && time.Now().After(deadline) {
			p.Next = numberCursor(no)
			break
		}
	}
	if err := rows.Err(); err != nil {
		return read.LetterPage{}, fmt.Errorf("listing letters: %w", explain(err))
	}
	return p, nil
}

func scanLetter(rows *sql.Rows) (no int64, l read.Letter, err error) {
	var op sql.RawBytes
	if err := rows.Scan(&no, &op, &l.Tenant, &l.Class, &l.Reason, &l.Opened, &l.Resolved); err != nil {
		return 0, l, fmt.Errorf("listing letters: %w", explain(err))
	}
	if len(op) != len(events.ID{}) {
		return 0, l, fmt.Errorf("%w: letter %d names no operation", ErrCorrupt, no)
	}
	l.Operation = events.ID(op)
	return no, l, nil
}

// Overview implements read.Reader. It reads sums that are kept with every commit, not the payments.
func (r *Reader) Overview(ctx context.Context, tenant string) (read.Overview, error) {
	o := read.Overview{States: map[idempotency.State]int64{}}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	no, known, err := r.tenant(ctx, tenant)
	if !known || err != nil {
		return o, err
	}
	err = each(ctx, r.tally, func(rows *sql.Rows) error {
		var state idempotency.State
		var n int64
		if err := rows.Scan(&state, &n); err != nil {
			return err
		}
		if n != 0 {
			o.States[state] = n
		}
		return nil
	}, no)
	if err != nil {
		return o, fmt.Errorf("reading the sums: %w", explain(err))
	}
	err = each(ctx, r.attends, func(rows *sql.Rows) error {
		var of int64
		if err := rows.Scan(&of); err != nil {
			return err
		}
		if of == no {
			o.Attention++
		}
		return nil
	})
	if err != nil {
		return o, fmt.Errorf("counting attention: %w", explain(err))
	}
	return o, nil
}

// each runs a query and calls f with every row.
func each(ctx context.Context, stmt *sql.Stmt, f func(*sql.Rows) error, args ...any) error {
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err tells what matters
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
