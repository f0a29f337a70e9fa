package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

// clockSlack is how far a clock may have been set back without hiding payments from a list by time.
const clockSlack = idempotency.Instant(25 * time.Hour / time.Millisecond)

// List implements read.Reader. The order is that of accepting. It looks for a quarter of a second at most; a page may
// therefore be short, or empty, and have a Next. A CreatedAfter ends the list at the first payment that is older by
// more than 25 hours, since only a clock that was set back can have put younger ones behind it.
func (r *Reader) List(ctx context.Context, f read.Filter) (read.Page, error) {
	before, err := cursorNumber(f.Cursor)
	if err != nil {
		return read.Page{}, err
	}
	limit := pageLimit(f.Limit)
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	tenant, known, err := r.tenant(ctx, f.Tenant)
	if !known || err != nil {
		return read.Page{}, err
	}
	var rows *sql.Rows
	switch {
	case f.Reference != "":
		rows, err = r.byRef.QueryContext(ctx, refToken(f.Tenant, f.Reference), before)
	case f.Attention:
		rows, err = r.attended.QueryContext(ctx, before)
	default:
		rows, err = r.scan.QueryContext(ctx, before)
	}
	if err != nil {
		return read.Page{}, fmt.Errorf("listing payments: %w", explain(err))
	}
	seqs, next, err := r.match(rows, f, tenant, limit)
	if err = errors.Join(err, rows.Close()); err != nil {
		return read.Page{}, err
	}
	return r.page(ctx, f, seqs, next)
}

// match collects the numbers of up to limit matching payments, and where to go on.
func (r *Reader) match(rows *sql.Rows, f read.Filter, tenant int64, limit int) (seqs []int64, next read.Cursor, err error) {
	deadline := time.Now().Add(scanTime) // the work of this process is bounded, whatever the store's clock says
	for n := 1; rows.Next(); n++ {
		var seq, of, state int64
		var created idempotency.Instant
		if err := rows.Scan(&seq, &of, &state, &created); err != nil {
			return nil, "", fmt.Errorf("listing payments: %w", explain(err))
		}
		if f.CreatedAfter != 0 && created < f.CreatedAfter-clockSlack {
			return seqs, "", nil
		}
		if of == tenant && (f.State == idempotency.Absent || state == int64(f.State)) && created > f.CreatedAfter {
			if seqs = append(seqs, seq); len(seqs) == limit {
				return seqs, numberCursor(seq), nil
			}
		}
		if n%256 == 0 && time.Now().After(deadline) {
			return seqs, numberCursor(seq), nil
		}
	}
	if err := rows.Err(); err != nil {
		return nil, "", fmt.Errorf("listing payments: %w", explain(err))
	}
	return seqs, "", nil
}

// page reads the records. One that has just left the list (its state changed since) is left out.
func (r *Reader) page(ctx context.Context, f read.Filter, seqs []int64, next read.Cursor) (read.Page, error) {
	p := read.Page{Records: make([]idempotency.Record, 0, len(seqs)), Next: next}
	for _, seq := range seqs {
		var id, hot, base, request, frozen []byte
		if err := r.parts.QueryRowContext(ctx, seq).Scan(&id, &hot, &base, &request, &frozen); err != nil {
			return read.Page{}, fmt.Errorf("listing payments: %w", explain(err))
		}
		record, err := decodeRecord(id, hot, base, request, nil)
		if err != nil {
			return read.Page{}, err
		}
		if record.Tenant != f.Tenant || f.State != idempotency.Absent && record.State != f.State ||
			f.Attention && record.Attention == nil || f.Reference != "" && record.Reference != f.Reference {
			continue
		}
		p.Records = append(p.Records, record)
	}
	return p, nil
}

func pageLimit(n int) int {
	if n <= 0 {
		return read.DefaultLimit
	}
	return min(n, read.MaxLimit)
}

// Cursors are the number of the last entry, in base 36.
func numberCursor(n int64) read.Cursor { return read.Cursor(strconv.FormatInt(n, 36)) }

func cursorNumber(c read.Cursor) (int64, error) {
	if c == "" {
		return math.MaxInt64, nil
	}
	n, err := strconv.ParseInt(string(c), 36, 64)
	if err != nil || n <= 0 || numberCursor(n) != c {
		return 0, read.ErrCursor
	}
	return n, nil
}
