package embedded

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	dbName   = "payonce.db"
	pageSize = 1024       // bytes
	appID    = 0x70796f6e // "pyon", in the file's header: this is a payonce database
)

//go:embed schema/*.sql
var schemas embed.FS

// migrations are the schema scripts in order; the n-th leads to user_version n.
func migrations() []string {
	names, err := fs.Glob(schemas, "schema/*.sql")
	if err != nil {
		panic(err) // a fixed pattern: cannot fail
	}
	scripts := make([]string, len(names))
	for i, name := range names {
		b, err := schemas.ReadFile(name)
		if err != nil {
			panic(err) // embedded: cannot fail
		}
		scripts[i] = string(b)
	}
	return scripts
}

// prepareDir makes the folder and gives its absolute path.
func prepareDir(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("no data folder was named")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("naming the data folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", openError(err)
	}
	return dir, nil
}

// isFresh reports whether there is no database yet: no file, or an empty one that a start left which was cut short. A
// log without its file is no new store: ErrCorrupt.
func isFresh(path string) (bool, error) {
	size := func(path string) (int64, error) {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return 0, nil
		}
		if err != nil {
			return 0, fmt.Errorf("looking at %s: %w", path, err)
		}
		return info.Size(), nil
	}
	file, err := size(path)
	if err != nil || file > 0 {
		return false, err
	}
	log, err := size(path + "-wal")
	if err == nil && log > 0 {
		err = fmt.Errorf("%w: %s is missing or empty, and its log is there: put the file back, or restore a backup", ErrCorrupt, path)
	}
	return err == nil, err
}

// openFile opens the writer's connection, on a file that is made if it is not there, and brings the schema up to date.
func openFile(ctx context.Context, path string, logLimit int64) (l *link, err error) {
	fresh, err := isFresh(path)
	if err != nil {
		return nil, err
	}
	if fresh {
		// Payments and the installation's secret are nobody else's business; the log files take the file's mode.
		if err := makeEmpty(path); err != nil {
			return nil, err
		}
	}
	l, err = open(ctx, dsn(path, false))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(explain(err), l.close())
			l = nil
		}
	}()
	if !fresh {
		if err := inspect(l); err != nil {
			return l, err
		}
	}
	for _, pragma := range []string{
		fmt.Sprintf("PRAGMA page_size=%d", pageSize),
		"PRAGMA journal_mode=WAL",
		"PRAGMA synchronous=FULL",
		"PRAGMA fullfsync=1",
		"PRAGMA checkpoint_fullfsync=1",
		"PRAGMA wal_autocheckpoint=0",
		fmt.Sprintf("PRAGMA journal_size_limit=%d", logLimit),
		"PRAGMA cache_size=-4096",
		"PRAGMA cache_spill=0",
		"PRAGMA temp_store=MEMORY",
		"PRAGMA trusted_schema=OFF",
		// After a sync that failed, the log may look whole and not be on the disk. What it holds is moved to the file and
		// synced before anything is built on it. A reader that is in the way only makes this a partial one.
		"PRAGMA wal_checkpoint(TRUNCATE)",
	} {
		if err := l.run(pragma); err != nil {
			return l, fmt.Errorf("%s: %w", pragma, err)
		}
	}
	if err := migrate(l); err != nil {
		return l, err
	}
	if err := checkPages(l); err != nil {
		return l, err
	}
	if fresh {
		return l, syncDir(filepath.Dir(path))
	}
	return l, nil
}

// inspect refuses a file that is not ours, or newer than we are, before anything is written to it.
func inspect(l *link) error {
	version, err := l.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	id, err := l.number("PRAGMA application_id")
	if err != nil {
		return err
	}
	tables, err := l.number("SELECT count(*) FROM sqlite_schema")
	switch known := len(migrations()); {
	case err != nil:
		return err
	case id != appID && (id != 0 || tables != 0 || version != 0):
		return ErrForeign
	case int(version) > known:
		return &VersionError{File: int(version), Known: known}
	}
	if tables == 0 {
		return nil // made, but its first transaction never ended
	}
	return checkPages(l)
}

func checkPages(l *link) error {
	size, err := l.number("PRAGMA page_size")
	if err == nil && size != pageSize {
		return &PageSizeError{Got: int(size)}
	}
	return err
}

// migrate runs the scripts that the file has not seen, in one transaction: it is the old schema or the new one.
func migrate(l *link) error {
	version, err := l.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	scripts := migrations()
	if int(version) == len(scripts) {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "BEGIN IMMEDIATE; PRAGMA application_id=%d;\n", appID)
	for _, script := range scripts[version:] {
		b.WriteString(script)
	}
	fmt.Fprintf(&b, "PRAGMA user_version=%d; COMMIT;", len(scripts))
	if err := l.run(b.String()); err != nil {
		_ = l.run("ROLLBACK") // the connection is closed next
		return fmt.Errorf("bringing the schema from version %d to %d: %w", version, len(scripts), err)
	}
	return nil
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("syncing the data folder: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
