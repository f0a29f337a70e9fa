package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/payonce/payonce/engine"
	"github.com/payonce/payonce/idempotency"
)

// ErrNoBackup means that the file is a payonce database, but not one that Backup wrote, so nobody knows when it was taken.
var ErrNoBackup = errors.New("the file is not a backup: use one that payonce backup made")

// gateMargin is how far before the backup the window begins that a restored ledger may have forgotten: clocks differ.
const gateMargin = 5 * time.Minute

// Restored tells what Restore did.
type Restored struct {
	Meta engine.Meta
	// Gate is what may have been charged and forgotten: first attempts ask Stripe until it was swept.
	Gate idempotency.Window
}

// Restore verifies a backup and makes a data folder of it. The folder gets a new generation and an open gate, from
// just before the backup was taken until now.
//
// Errors: ErrMissing, ErrCorrupt, ErrForeign, *VersionError, ErrNoBackup; ErrExists if there is a database in dir;
// *LockedError. After an error nothing that was in dir is changed.
func Restore(ctx context.Context, backup, dir string, now time.Time) (r Restored, err error) {
	backup, err = filepath.Abs(backup)
	if err != nil {
		return r, fmt.Errorf("naming the backup: %w", err)
	}
	if err := verifyBackup(ctx, backup); err != nil {
		return r, err
	}
	if dir, err = prepareDir(dir); err != nil {
		return r, err
	}
	held, err := lock(dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, held.Close()) }()
	path := filepath.Join(dir, dbName)
	for _, name := range []string{path, path + "-wal", path + "-shm", path + "-journal"} {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return r, fmt.Errorf("%w: %s", ErrExists, name)
		}
	}
	temp := path + partial
	if err := copyFile(ctx, backup, temp); err != nil {
		return r, err
	}
	r, err = stampRestored(ctx, temp, idempotency.At(now))
	if err == nil {
		err = syncFile(temp)
	}
	if err != nil {
		return r, errors.Join(explain(err), os.Remove(temp))
	}
	if err := os.Rename(temp, path); err != nil {
		return r, fmt.Errorf("naming the database: %w", err)
	}
	return r, syncDir(dir)
}

func verifyBackup(ctx context.Context, path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrMissing, path)
	}
	l, err := open(ctx, dsn(path, true))
	if err != nil {
		return err
	}
	err = inspect(l)
	if err == nil {
		err = quickCheck(l)
	}
	if err == nil {
		var rows map[string][]byte
		if rows, err = metaRows(l); err == nil && rows[metaTakenAt] == nil {
			err = ErrNoBackup
		}
	}
	return errors.Join(explain(err), l.close())
}

// quickCheck asks SQLite whether the file's structure holds.
func quickCheck(l *link) error {
	st, err := l.prepare("PRAGMA quick_check(1)")
	if err != nil {
		return err
	}
	answer := ""
	err = st.each(func(row []driver.Value) bool {
		answer = text(row[0])
		return false
	})
	if err == nil && answer != "ok" {
		err = fmt.Errorf("%w: %s", ErrCorrupt, answer)
	}
	return errors.Join(err, st.close())
}

func copyFile(ctx context.Context, from, to string) error {
	if err := makeEmpty(to); err != nil {
		return err
	}
	src, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copying the backup: %w", err)
	}
	defer func() { _ = src.Close() }() // it was only read
	dst, err := os.OpenFile(to, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("copying the backup: %w", err)
	}
	_, err = io.Copy(dst, &untilDone{ctx, src})
	if err = errors.Join(err, dst.Close()); err != nil {
		return errors.Join(fmt.Errorf("copying the backup: %w", err), os.Remove(to))
	}
	return nil
}

// untilDone reads until its context ends.
type untilDone struct {
	ctx context.Context //nolint:containedctx // it lives as long as one copy
	r   io.Reader
}

// Read is for io.Copy.
func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

// stampRestored gives the copy its generation and its gate.
func stampRestored(ctx context.Context, path string, now idempotency.Instant) (r Restored, err error) {
	l, err := open(ctx, dsn(path, false))
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	if err := migrate(l); err != nil {
		return r, err
	}
	rows, err := metaRows(l)
	if err != nil {
		return r, err
	}
	if r.Meta, err = parseMeta(rows); err != nil {
		return r, err
	}
	// The time, so that two restores of one backup differ; never less than one more, whatever the clock says.
	r.Meta.Generation = max(r.Meta.Generation+1, uint64(now))
	r.Gate = idempotency.Window{From: r.Meta.TakenAt.Add(-gateMargin), To: max(now, r.Meta.TakenAt)}
	// The intent of a payment that was not final may be as old as the payment, and be paid since.
	oldest, err := l.number(fmt.Sprintf("SELECT coalesce(min(created), 0) FROM operation WHERE state < %d", idempotency.Succeeded))
	if err != nil {
		return r, err
	}
	r.Gate.Oldest = idempotency.Instant(oldest)
	if old := gateOf(rows); old != nil { // the backup is of a restored folder that was not swept yet
		r.Gate.From = min(r.Gate.From, old.From)
	}
	if err := l.run("BEGIN IMMEDIATE"); err != nil {
		return r, err
	}
	for name, value := range map[string]uint64{
		metaGeneration: r.Meta.Generation, metaGateFrom: uint64(r.Gate.From), metaGateTo: uint64(r.Gate.To),
		metaGateOldest: uint64(r.Gate.Oldest),
	} {
		if err := setMeta(l, name, numberBytes(value)); err != nil {
			return r, err
		}
	}
	return r, l.run("COMMIT")
}
