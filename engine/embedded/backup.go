package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"modernc.org/sqlite"

	"github.com/payonce/payonce/idempotency"
)

// backupPages is how many pages are copied between two batches of the writer: a quarter of a megabyte.
const backupPages = 256

// partial ends the name of a file that is not complete.
const partial = ".partial"

// Backup copies the store, as it is when the copy ends, to a new file, while writing goes on. The copy is synced before
// it gets its name. It holds the installation's id and secret: keep it as safe as the data folder.
//
// progress, which may be nil, hears how many of how many pages are copied. ErrExists if there is something at path;
// ErrClosed; ctx.Err().
func (s *Store) Backup(ctx context.Context, path string, progress func(done, total int)) (err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrExists, path)
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("naming the backup: %w", err)
	}
	temp := path + partial
	if err := makeEmpty(temp); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp))
		}
	}()
	taken, err := s.copyTo(ctx, temp, progress)
	if err != nil {
		return fmt.Errorf("copying to %s: %w", temp, err)
	}
	if err := stampBackup(ctx, temp, taken); err != nil {
		return fmt.Errorf("finishing %s: %w", temp, explain(err))
	}
	if err := syncFile(temp); err != nil {
		return err
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrExists, path)
	}
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("naming the backup: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// copyTo copies pages on the writer's own connection, so that what is written meanwhile is copied too and the copy
// never has to begin again. It gives a moment just before the copy was complete.
func (s *Store) copyTo(ctx context.Context, temp string, progress func(done, total int)) (taken idempotency.Instant, err error) {
	var backup *sqlite.Backup
	if !s.between(func(w *writer) {
		if err = w.broken; err != nil {
			return
		}
		c, ok := w.link.conn.(interface {
			NewBackup(string) (*sqlite.Backup, error)
		})
		if !ok {
			err = errors.New("the SQLite driver makes no backups")
			return
		}
		if w.backup != nil {
			err = errors.New("a backup is being made already: wait for its end")
			return
		}
		backup, err = c.NewBackup(dsn(temp, false, "journal_mode=OFF", "synchronous=OFF"))
		w.backup = backup
	}) {
		return 0, ErrClosed
	}
	if err != nil {
		return 0, explain(err)
	}
	more := true
	for more && err == nil {
		err = ctx.Err()
		if err != nil {
			break
		}
		done, total := 0, 0
		if !s.between(func(*writer) {
			taken = idempotency.At(s.now())
			more, err = backup.Step(backupPages)
			total = backup.PageCount()
			done = total - backup.Remaining()
		}) {
			return 0, ErrClosed // the writer ends the copy with its connection
		}
		if err == nil && progress != nil {
			progress(done, total)
		}
	}
	var finish error
	if !s.between(func(w *writer) { finish, w.backup = backup.Finish(), nil }) {
		return 0, ErrClosed
	}
	return taken, explain(errors.Join(err, finish))
}

// stampBackup writes into a copy when it was taken, and makes it a single file.
func stampBackup(ctx context.Context, path string, taken idempotency.Instant) error {
	l, err := open(ctx, dsn(path, false))
	if err != nil {
		return err
	}
	err = l.run("PRAGMA journal_mode=DELETE")
	if err == nil {
		err = setMeta(l, metaTakenAt, numberBytes(uint64(taken)))
	}
	return errors.Join(err, l.close())
}

// makeEmpty makes an empty file that only its owner reads, in place of one that an earlier try left.
func makeEmpty(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("making %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("making %s: %w", path, err)
	}
	return f.Close()
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("syncing %s: %w", path, err)
	}
	return errors.Join(f.Sync(), f.Close())
}
