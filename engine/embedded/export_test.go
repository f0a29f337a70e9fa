package embedded

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
)

// ErrDisk is a failure of the disk that a hook can stand for.
var ErrDisk = errDisk

// LimitPages makes SQLite report a full disk beyond a number of pages; 0 lifts the limit. It gives the present number.
func (s *Store) LimitPages(n int64) (pages int64, err error) {
	s.between(func(w *writer) {
		if pages, err = w.link.number("PRAGMA page_count"); err != nil {
			return
		}
		if n == 0 {
			n = 1 << 30
		}
		_, err = w.link.number("PRAGMA max_page_count=" + strconv.FormatInt(n, 10))
	})
	return pages, err
}

// Run executes a script in the writer, to damage the store.
func (s *Store) Run(script string) (err error) {
	s.between(func(w *writer) { err = w.link.run(script) })
	return err
}

// InMemory is how many messages the queue holds in memory.
func (s *Store) InMemory() int {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return len(s.queue.messages)
}

// Uncached forgets the records in memory.
func (s *Store) Uncached() { s.cache.clear() }

// HoldView opens a read transaction beside the store and keeps it until done is called.
func HoldView(dir string) (done func() error, err error) {
	l, err := open(context.Background(), dsn(filepath.Join(dir, dbName), true))
	if err != nil {
		return nil, err
	}
	if err := l.run("BEGIN"); err != nil {
		return nil, err
	}
	if _, err := l.number("SELECT count(*) FROM operation"); err != nil {
		return nil, err
	}
	return l.close, nil
}

// Rewrite executes a script on the file of a store that is closed.
func Rewrite(dir, script string) error {
	l, err := open(context.Background(), dsn(filepath.Join(dir, dbName), false))
	if err != nil {
		return err
	}
	return errors.Join(l.run(script), l.close())
}
