package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"modernc.org/sqlite"
)

// link is one connection of the driver, without database/sql around it: the writer runs some thousand statements a
// second, each prepared once, from one goroutine. Not safe for concurrent use.
type link struct {
	ctx  context.Context //nolint:containedctx // it never ends, so that the driver does not watch it
	conn driver.Conn
}

// dsn is the address of a database file (an absolute path of any characters) with pragmas to run at open.
func dsn(path string, readOnly bool, pragmas ...string) string {
	q := url.Values{}
	if readOnly {
		q.Set("mode", "ro")
	}
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	q.Set("_dqs", "0")
	q.Set("_error_rc", "1")
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}
	return u.String()
}

// open connects. The end of ctx ends nothing that the link does later: what the writer has begun it finishes, and its
// callers stop waiting instead.
func open(ctx context.Context, dsn string) (*link, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	conn, err := c.Connect(ctx)
	if err != nil {
		return nil, explain(fmt.Errorf("opening the database: %w", err))
	}
	return &link{ctx: context.WithoutCancel(ctx), conn: conn}, nil
}

func (l *link) close() error { return l.conn.Close() }

// run executes a script without arguments.
func (l *link) run(script string) error {
	_, err := l.conn.(driver.ExecerContext).ExecContext(l.ctx, script, nil)
	return err
}

// number reads the single integer that a query gives.
func (l *link) number(query string) (int64, error) {
	s, err := l.prepare(query)
	if err != nil {
		return 0, err
	}
	defer func() { _ = s.close() }()
	row, err := s.row()
	if err != nil || row == nil {
		return 0, errors.Join(err, ifNil(row, io.ErrUnexpectedEOF))
	}
	n, _ := row[0].(int64)
	return n, nil
}

func ifNil(row []driver.Value, err error) error {
	if row == nil {
		return err
	}
	return nil
}

func (l *link) prepare(query string) (*stmt, error) {
	s, err := l.conn.(driver.ConnPrepareContext).PrepareContext(l.ctx, query)
	if err != nil {
		return nil, fmt.Errorf("preparing %q: %w", firstWords(query), err)
	}
	return &stmt{ctx: l.ctx, stmt: s, name: firstWords(query)}, nil
}

// stmt is a prepared statement.
type stmt struct {
	ctx  context.Context //nolint:containedctx // that of its link
	stmt driver.Stmt
	name string
	args []driver.NamedValue
	dest []driver.Value
}

func (s *stmt) close() error { return s.stmt.Close() }

func (s *stmt) bind(args []driver.Value) []driver.NamedValue {
	s.args = s.args[:0]
	for i, a := range args {
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return s.args
}

// exec runs the statement and tells how many rows it changed.
func (s *stmt) exec(args ...driver.Value) (int64, error) {
	r, err := s.stmt.(driver.StmtExecContext).ExecContext(s.ctx, s.bind(args))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", s.name, err)
	}
	return r.RowsAffected()
}

// row runs the statement and gives its first row, nil without one. It is valid until the statement runs again.
func (s *stmt) row(args ...driver.Value) ([]driver.Value, error) {
	var got []driver.Value
	err := s.each(func(row []driver.Value) bool { got = row; return false }, args...)
	return got, err
}

// each runs the statement and calls yield with every row, until it returns false.
func (s *stmt) each(yield func(row []driver.Value) bool, args ...driver.Value) (err error) {
	rows, err := s.stmt.(driver.StmtQueryContext).QueryContext(s.ctx, s.bind(args))
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	defer func() {
		if e := rows.Close(); err == nil && e != nil {
			err = fmt.Errorf("%s: %w", s.name, e)
		}
	}()
	if n := len(rows.Columns()); len(s.dest) != n {
		s.dest = make([]driver.Value, n)
	}
	for {
		switch err := rows.Next(s.dest); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", s.name, err)
		case !yield(s.dest):
			return nil
		}
	}
}

// firstWords names a statement in errors, without its arguments.
func firstWords(query string) string {
	words := strings.Fields(query)
	return strings.Join(words[:min(3, len(words))], " ")
}

// null gives NULL for zero.
func null(n int64) driver.Value {
	if n == 0 {
		return nil
	}
	return n
}

func integer(v driver.Value) int64 { n, _ := v.(int64); return n }
func blob(v driver.Value) []byte   { b, _ := v.([]byte); return b }
func text(v driver.Value) string   { s, _ := v.(string); return s }

func bytesOrNull(b []byte) driver.Value {
	if b == nil {
		return nil
	}
	return b
}

func textOrNull(s string) driver.Value {
	if s == "" {
		return nil
	}
	return s
}

func flag(set bool) driver.Value {
	if set {
		return int64(1)
	}
	return nil
}

// slotOrNull is column slot: NULL without a reference, where 0 would mean nothing.
func slotOrNull(l *live) driver.Value {
	if l.ref == "" {
		return nil
	}
	return l.slot
}
