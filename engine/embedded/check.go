package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// Kind is what a Finding is about.
type Kind string

// The kinds.
const (
	KindFile    Kind = "file"    // SQLite finds the file damaged
	KindRecord  Kind = "record"  // a record that contradicts itself, its columns or its history
	KindHolder  Kind = "holder"  // who holds a reference
	KindStuck   Kind = "stuck"   // a payment that nobody would ever work on again
	KindOutcome Kind = "outcome" // an outcome that is missing, or of nothing
	KindLetter  Kind = "letter"  // a letter that does not match its record
	KindMessage Kind = "message" // a message of nothing
	KindSum     Kind = "sum"     // a sum that differs from what it counts
)

// Finding is one thing that should not be.
type Finding struct {
	Kind     Kind
	ID       events.ID // zero where it is about no payment
	Sentence string
}

// MaxFindings bounds how many findings a Report holds.
const MaxFindings = 1000

// Report is what Check found. All is well if there are no findings.
type Report struct {
	Findings []Finding
	More     int // findings beyond MaxFindings
	Records  int
	Events   int
	Messages int
}

// OK reports whether nothing was found.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

func (r *Report) add(kind Kind, id events.ID, format string, args ...any) {
	if len(r.Findings) == MaxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, Finding{Kind: kind, ID: id, Sentence: fmt.Sprintf(format, args...)})
}

// Check reads the whole store in one view of it and checks everything that can be known from the file: SQLite's own
// integrity check, every record against its columns and history, who holds what, that each payment that is not over is
// somebody's to work on, that outcomes are published and messages, letters and sums agree.
//
// It takes memory for findings only. Beside a running payonce it may take long, and the log cannot start over until it
// has ended. progress, which may be nil, hears how many of how many records are done. The error is that it could not
// be carried out; ctx ends it.
func (r *Reader) Check(ctx context.Context, progress func(done, total int)) (*Report, error) {
	db, err := openScratch(r.path)
	if err != nil {
		return nil, err
	}
	report := &Report{}
	err = runCheck(ctx, db, report, progress)
	if err = errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	return report, nil
}

// checker is one Check under way.
type checker struct {
	ctx    context.Context //nolint:containedctx // it lives as long as one Check
	tx     *sql.Conn
	report *Report
	sums   map[[2]int64]int64 // tenant, state: records
	pruned bool
	oldest idempotency.Instant // of the outcomes that are still there

	hasMessage, hasEvent, letterOf *sql.Stmt
}

func runCheck(ctx context.Context, db *sql.DB, report *Report, progress func(done, total int)) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("checking: %w", explain(err))
	}
	defer func() { _ = conn.Close() }() // with it the view and the scratch tables end
	c := &checker{ctx: ctx, tx: conn, report: report, sums: map[[2]int64]int64{}}
	for _, step := range []func() error{
		c.begin, c.file, c.scratch,
		func() error { return c.records(progress) },
		c.tally, c.messages, c.events, c.letters,
	} {
		if err := step(); err != nil {
			return fmt.Errorf("checking: %w", explain(err))
		}
	}
	return nil
}

func (c *checker) begin() error {
	_, err := c.tx.ExecContext(c.ctx, "BEGIN")
	return err
}

// file is SQLite's own check, indexes and their uniqueness included.
func (c *checker) file() error {
	return c.rows("PRAGMA integrity_check(100)", func(rows *sql.Rows) error {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		if line != "ok" {
			c.report.add(KindFile, events.ID{}, "SQLite: %s", line)
		}
		return nil
	})
}

// scratch puts what has to be looked up into temporary tables, which SQLite keeps on disk.
func (c *checker) scratch() error {
	for _, script := range []string{
		"CREATE TEMP TABLE busy (op BLOB PRIMARY KEY) WITHOUT ROWID",
		"INSERT OR IGNORE INTO busy SELECT op FROM message",
		"CREATE TEMP TABLE told (op INTEGER PRIMARY KEY)",
		"INSERT OR IGNORE INTO told SELECT op FROM event",
	} {
		if _, err := c.tx.ExecContext(c.ctx, script); err != nil {
			return err
		}
	}
	var pruned []byte
	err := c.tx.QueryRowContext(c.ctx, "SELECT value FROM meta WHERE name = ?", metaPruned).Scan(&pruned)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	c.pruned = len(pruned) > 0
	// With none left, every outcome may have been pruned.
	err = c.tx.QueryRowContext(c.ctx, "SELECT coalesce((SELECT at FROM event ORDER BY pos LIMIT 1), 1 << 62)").Scan(&c.oldest)
	if err != nil {
		return err
	}
	for _, p := range []struct {
		into  **sql.Stmt
		query string
	}{
		{&c.hasMessage, "SELECT count(*) FROM busy WHERE op = ?"},
		{&c.hasEvent, "SELECT count(*) FROM told WHERE op = ?"},
		{&c.letterOf, "SELECT count(*) FROM letter WHERE op = ? AND class = ? AND resolved IS NULL"},
	} {
		if *p.into, err = c.tx.PrepareContext(c.ctx, p.query); err != nil {
			return err
		}
	}
	return nil
}

// rows runs a query and calls f with every row.
func (c *checker) rows(query string, f func(*sql.Rows) error) error {
	rows, err := c.tx.QueryContext(c.ctx, query)
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

// openScratch opens a file for reading with the right to make temporary tables.
func openScratch(path string) (*sql.DB, error) {
	return openWith(dsn(path, true, "busy_timeout=1000", "cache_size=-32768", "temp_store=FILE", "trusted_schema=0"), 2)
}
