package embedded

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"modernc.org/sqlite"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// backlog reads table message, on a connection of its own, so that lists cannot keep the workers waiting.
type backlog struct {
	db               *sql.DB
	byMid, byAvail   *sql.Stmt
	exists, earliest *sql.Stmt
	oldTop           int64 // highest mid when the store was opened
}

func openBacklog(ctx context.Context, dir string) (*backlog, error) {
	db, err := openDB(filepath.Join(dir, dbName), 1)
	if err != nil {
		return nil, err
	}
	b := &backlog{db: db}
	const columns = "SELECT mid, op, enqueued, coalesce(avail, 0), receives, coalesce(trace, '') FROM message "
	for _, p := range []struct {
		into  **sql.Stmt
		query string
	}{
		{&b.byMid, columns + "WHERE mid > ? AND mid <= ? AND avail IS NULL ORDER BY mid LIMIT ?"},
		{&b.byAvail, columns + `WHERE avail IS NOT NULL AND (avail > ?1 OR avail = ?1 AND mid > ?2) AND avail >= ?1 AND mid <= ?3
			ORDER BY avail, mid LIMIT ?4`},
		{&b.exists, "SELECT count(*) FROM message WHERE mid = ?"},
		{&b.earliest, "SELECT coalesce((SELECT enqueued FROM message ORDER BY mid LIMIT 1), 0)"},
	} {
		if *p.into, err = db.PrepareContext(ctx, p.query); err != nil {
			return nil, joinClose(fmt.Errorf("preparing the queue: %w", explain(err)), db)
		}
	}
	return b, nil
}

func (b *backlog) close() error { return b.db.Close() }

// Close is for joinClose.
func (b *backlog) Close() error { return b.close() }

// count tells how many rows there are, how many of them have avail, and the highest mid.
func (b *backlog) count(ctx context.Context) (total, delayed int, top int64, err error) {
	row := b.db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM message),
		(SELECT count(*) FROM message WHERE avail IS NOT NULL), (SELECT coalesce(max(mid), 0) FROM message)`)
	if err := row.Scan(&total, &delayed, &top); err != nil {
		return 0, 0, 0, fmt.Errorf("counting the queue: %w", explain(err))
	}
	return total, delayed, top, nil
}

// next reads rows without avail above a mid.
func (b *backlog) next(ctx context.Context, above, top int64) ([]*message, error) {
	return b.read(ctx, b.byMid, above, top, readLimit)
}

// delayed reads rows with avail behind a mark.
func (b *backlog) delayed(ctx context.Context, behind mark, top int64) ([]*message, error) {
	return b.read(ctx, b.byAvail, int64(behind.avail), behind.mid, top, readLimit)
}

func (b *backlog) read(ctx context.Context, stmt *sql.Stmt, args ...any) ([]*message, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the queue: %w", explain(err))
	}
	defer func() { _ = rows.Close() }() // Err tells what matters
	var batch []*message
	for rows.Next() {
		m := &message{index: -1}
		var op sql.RawBytes
		if err := rows.Scan(&m.mid, &op, &m.enqueued, &m.avail, &m.counted, &m.trace); err != nil {
			return nil, fmt.Errorf("reading the queue: %w", explain(err))
		}
		if len(op) != len(events.ID{}) {
			return nil, fmt.Errorf("%w: message %d names no operation", ErrCorrupt, m.mid)
		}
		m.op, m.receives, m.old = events.ID(op), m.counted, m.mid <= b.oldTop
		batch = append(batch, m)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the queue: %w", explain(err))
	}
	return batch, nil
}

// there reports whether the row of a message exists.
func (b *backlog) there(ctx context.Context, mid int64) (bool, error) {
	var n int
	if err := b.exists.QueryRowContext(ctx, mid).Scan(&n); err != nil {
		return false, fmt.Errorf("reading the queue: %w", explain(err))
	}
	return n > 0, nil
}

// oldest tells when the first message that is still there was enqueued; zero if there is none.
func (b *backlog) oldest(ctx context.Context) (time.Time, error) {
	var at idempotency.Instant
	if err := b.earliest.QueryRowContext(ctx).Scan(&at); err != nil {
		return time.Time{}, fmt.Errorf("reading the queue: %w", explain(err))
	}
	return at.Time(), nil
}

// openDB opens a file for reading, for up to n readers at once.
func openDB(path string, n int) (*sql.DB, error) {
	return openWith(dsn(path, true, "query_only=1", "busy_timeout=1000", "cache_size=-8192", "trusted_schema=0"), n)
}

func openWith(dsn string, n int) (*sql.DB, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, fmt.Errorf("opening the database for reading: %w", err)
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

func joinClose(err error, c io.Closer) error { return errors.Join(err, c.Close()) }

func sortByAvail(all []*message) {
	slices.SortFunc(all, func(a, b *message) int {
		return cmp.Or(cmp.Compare(a.avail, b.avail), cmp.Compare(a.mid, b.mid))
	})
}
