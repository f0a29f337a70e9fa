package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

const (
	readTime = time.Second            // bounds every read, so that no reader holds up the log for long
	scanTime = 250 * time.Millisecond // bounds how long a list looks for matches
	readers  = 4                      // reads at once; others wait
)

// Reader reads a data folder, beside the process that writes to it or without one. It changes nothing.
// Safe for concurrent use. Each call is bounded to about a second.
type Reader struct {
	db    *sql.DB
	path  string
	clock func() time.Time

	load, due, tenantNo      *sql.Stmt
	scan, attended, byRef    *sql.Stmt
	feedAfter, tally, parts  *sql.Stmt
	letters, openLetters     *sql.Stmt
	keys, keyByHash, attends *sql.Stmt

	tenants sync.Map // name to number; a tenant keeps its number for ever
}

// OpenReader opens the data folder for reading. A payonce that writes to it may be running.
// Errors: ErrMissing, ErrCorrupt, ErrForeign, *VersionError, *PageSizeError.
func OpenReader(ctx context.Context, dir string) (*Reader, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("naming the data folder: %w", err)
	}
	path := filepath.Join(dir, dbName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrMissing, dir)
	}
	l, err := open(ctx, dsn(path, true, "busy_timeout=1000"))
	if err != nil {
		return nil, err
	}
	err = inspect(l)
	if err = errors.Join(explain(err), l.close()); err != nil {
		return nil, err
	}
	return openReader(ctx, dir, time.Now)
}

func openReader(ctx context.Context, dir string, clock func() time.Time) (*Reader, error) {
	path := filepath.Join(dir, dbName)
	db, err := openDB(path, readers)
	if err != nil {
		return nil, err
	}
	r := &Reader{db: db, path: path, clock: clock}
	for _, p := range []struct {
		into  **sql.Stmt
		query string
	}{
		{&r.load, "SELECT o.seq, o.tenant, o.ref, o.slot, o.hot, g.base, g.request, f.body FROM operation o " +
			"LEFT JOIN origin g ON g.seq = o.seq LEFT JOIN frozen f ON f.seq = o.seq WHERE o.id = ?"},
		{&r.due, "SELECT id FROM operation WHERE due <= ? ORDER BY due LIMIT ?"},
		{&r.tenantNo, "SELECT no FROM tenant WHERE name = ?"},
		{&r.scan, "SELECT seq, tenant, state, created FROM operation WHERE seq < ? ORDER BY seq DESC"},
		{&r.attended, "SELECT seq, tenant, state, created FROM operation WHERE attention = 1 AND seq < ? ORDER BY seq DESC"},
		{&r.byRef, "SELECT seq, tenant, state, created FROM operation WHERE ref = ? AND seq < ? ORDER BY seq DESC"},
		{&r.parts, wholeRecord + "WHERE o.seq = ?"},
		{&r.feedAfter, "SELECT pos, tenant, body FROM event WHERE pos > ? ORDER BY pos"},
		{&r.tally, "SELECT state, n FROM tally WHERE tenant = ?"},
		{&r.attends, "SELECT tenant FROM operation WHERE attention = 1"},
		{&r.letters, letterColumns + "WHERE no < ? ORDER BY no DESC"},
		{&r.openLetters, letterColumns + "WHERE resolved IS NULL AND no < ? ORDER BY no DESC"},
		{&r.keys, keyColumns + "ORDER BY no"},
		{&r.keyByHash, keyColumns + "WHERE hash = ?"},
	} {
		if *p.into, err = db.PrepareContext(ctx, p.query); err != nil {
			return nil, joinClose(fmt.Errorf("preparing to read: %w", explain(err)), db)
		}
	}
	return r, nil
}

// Close ends reading.
func (r *Reader) Close() error { return r.db.Close() }

// Load reads one record, Request and Frozen included. idempotency.ErrNotFound if there is none.
func (r *Reader) Load(ctx context.Context, id events.ID) (idempotency.Record, error) {
	l, err := r.fetch(ctx, id)
	if err != nil {
		return idempotency.Record{}, err
	}
	return l.record, nil
}

func (r *Reader) fetch(ctx context.Context, id events.ID) (*live, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	var ref, hot, base, request, frozen []byte
	var slot sql.NullInt64
	l := &live{full: true}
	err := r.load.QueryRowContext(ctx, id[:]).Scan(&l.seq, &l.tenant, &ref, &slot, &hot, &base, &request, &frozen)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, idempotency.ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("loading a record: %w", explain(err))
	}
	if l.record, err = decodeRecord(id[:], hot, base, request, frozen); err != nil {
		return nil, err
	}
	l.state, l.version, l.due = l.record.State, l.record.Version, l.record.Due
	l.attention = l.record.Attention != nil
	l.ref, l.slot = string(ref), slot.Int64
	l.hot, l.parts = len(hot), len(base)+len(request)+len(frozen)
	return l, nil
}

// Load implements idempotency.Ledger. It sees every Commit that has returned.
func (s *Store) Load(ctx context.Context, id events.ID) (idempotency.Record, error) {
	if err := ctx.Err(); err != nil {
		return idempotency.Record{}, err
	}
	cached, epoch := s.cache.look(id)
	if cached != nil {
		return cached.record, nil
	}
	l, err := s.fetch(ctx, id)
	if err != nil {
		return idempotency.Record{}, err
	}
	s.cache.offer(id, l, epoch)
	return l.record, nil
}

// Due implements idempotency.Ledger.
func (r *Reader) Due(ctx context.Context, now idempotency.Instant, limit int) ([]events.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	rows, err := r.due.QueryContext(ctx, int64(now), limit)
	if err != nil {
		return nil, fmt.Errorf("reading what is due: %w", explain(err))
	}
	defer func() { _ = rows.Close() }() // Err tells what matters
	var ids []events.ID
	for rows.Next() {
		var id sql.RawBytes
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("reading what is due: %w", explain(err))
		}
		if len(id) != len(events.ID{}) {
			return nil, fmt.Errorf("%w: an id of %d bytes", ErrCorrupt, len(id))
		}
		ids = append(ids, events.ID(id))
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading what is due: %w", explain(err))
	}
	return ids, nil
}

// tenant gives a tenant's number. False for one that nothing is stored of.
func (r *Reader) tenant(ctx context.Context, name string) (int64, bool, error) {
	if no, ok := r.tenants.Load(name); ok {
		return no.(int64), true, nil //nolint:forcetypeassert // nothing else is stored
	}
	var no int64
	err := r.tenantNo.QueryRowContext(ctx, name).Scan(&no)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, false, nil
	case err != nil:
		return 0, false, fmt.Errorf("reading a tenant: %w", explain(err))
	}
	r.tenants.Store(name, no)
	return no, true, nil
}

// Gate is the window that the ledger may have forgotten, since it was restored from a backup; nil in normal work.
func (r *Reader) Gate(ctx context.Context) (*idempotency.Window, error) {
	rows, err := r.metaRows(ctx)
	if err != nil {
		return nil, err
	}
	return gateOf(rows), nil
}

func (r *Reader) metaRows(ctx context.Context) (map[string][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	rows, err := r.db.QueryContext(ctx, "SELECT name, value FROM meta")
	if err != nil {
		return nil, fmt.Errorf("reading table meta: %w", explain(err))
	}
	defer func() { _ = rows.Close() }() // Err tells what matters
	found := map[string][]byte{}
	for rows.Next() {
		var name string
		var value []byte
		if err := rows.Scan(&name, &value); err != nil {
			return nil, fmt.Errorf("reading table meta: %w", explain(err))
		}
		found[name] = value
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading table meta: %w", explain(err))
	}
	return found, nil
}
