package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/payonce/payonce/engine"
	"github.com/payonce/payonce/idempotency"
)

// task is one piece of writing. The writer applies it inside a transaction that it shares with others.
type task interface {
	// apply writes. A refusal is kept for finish and is not an error here; an error undoes the batch.
	// It may run again, in a transaction of its own, after a batch was undone.
	apply(b *batch) error
	// finish hears, once, that the batch is durable, or why nothing of it was stored. It must not block.
	finish(err error)
	// reply gives what submit returns.
	reply() <-chan error
}

// counters number what is appended. A batch that fails takes its numbers back.
type counters struct {
	seq, mid, pos, letter, tenant int64
}

// writer owns the one connection that writes. All of it runs in one goroutine.
type writer struct {
	s        *Store
	link     *link
	st       *statements
	meta     engine.Meta
	counters counters
	tenants  map[string]int64
	broken   error // why it refuses to write

	written    func() (int64, error) // pages written to the log since it was asked last
	pages      int64                 // written since the last checkpoint was asked for
	checkpoint chan<- struct{}       // asks for a passive checkpoint
	batch      *batch
	backup     *sqlite.Backup // under way, or nil
}

func newWriter(ctx context.Context, s *Store) (*writer, error) {
	l, err := openFile(ctx, filepath.Join(s.config.Dir, dbName), s.config.LogLimit)
	if err != nil {
		return nil, err
	}
	w := &writer{s: s, link: l, tenants: map[string]int64{}}
	w.batch = newBatch(w)
	if err := w.load(); err != nil {
		return nil, errors.Join(explain(err), l.close())
	}
	return w, nil
}

// load reads what the writer keeps in memory.
func (w *writer) load() (err error) {
	if w.meta, err = boot(w.link, w.s.config.Rand, idempotency.At(w.s.now())); err != nil {
		return err
	}
	if w.st, err = prepareAll(w.link); err != nil {
		return err
	}
	for _, c := range []struct {
		into  *int64
		query string
	}{
		{&w.counters.seq, "SELECT coalesce(max(seq), 0) FROM operation"},
		{&w.counters.pos, "SELECT coalesce(max(pos), 0) FROM event"},
		{&w.counters.letter, "SELECT coalesce(max(no), 0) FROM letter"},
		{&w.counters.tenant, "SELECT coalesce(max(no), 0) FROM tenant"},
	} {
		if *c.into, err = w.link.number(c.query); err != nil {
			return err
		}
	}
	rows, err := metaRows(w.link)
	if err != nil {
		return err
	}
	w.counters.pos = max(w.counters.pos, int64(number(rows[metaPruned]))) // a position is never given twice
	tenants, err := w.link.prepare("SELECT no, name FROM tenant")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tenants.close()) }()
	status, ok := w.link.conn.(sqlite.DBStatus)
	if !ok {
		return errors.New("the SQLite driver counts no pages")
	}
	w.written = func() (int64, error) {
		n, _, err := status.Status(lib.SQLITE_DBSTATUS_CACHE_WRITE, true)
		return int64(n), err
	}
	return tenants.each(func(row []driver.Value) bool {
		w.tenants[text(row[1])] = integer(row[0])
		return true
	})
}

func (w *writer) close() error {
	var err error
	if w.backup != nil {
		err = w.backup.Finish()
	}
	return errors.Join(err, w.st.close(), w.link.close())
}

// loop serves until the store is closed and everything that was handed over has been answered. Store.Close closes the
// connection.
func (w *writer) loop() {
	tasks := make([]task, 0, w.s.config.MaxBatch)
	for {
		select {
		case t, ok := <-w.s.tasks:
			if !ok {
				return
			}
			tasks = w.collect(append(tasks[:0], t))
			w.run(tasks)
			clear(tasks)
		case f := <-w.s.quiet:
			f(w)
		}
	}
}

// collect takes what else waits. A sync costs more than a yield, so callers that were just answered get the chance
// to come back with their next task.
func (w *writer) collect(tasks []task) []task {
	for {
		before := len(tasks)
		for len(tasks) < cap(tasks) {
			select {
			case t, ok := <-w.s.tasks:
				if !ok {
					return tasks
				}
				tasks = append(tasks, t)
				continue
			default:
			}
			break
		}
		if len(tasks) == cap(tasks) || len(tasks) == before {
			return tasks
		}
		runtime.Gosched()
	}
}

// run carries out a batch and answers everybody in it.
func (w *writer) run(tasks []task) {
	err := w.try(tasks)
	if err != nil && len(tasks) > 1 && w.broken == nil && !storage(err) && !w.hooked(err) {
		// One of them cannot be stored. Alone, each fails or succeeds for itself.
		for _, t := range tasks {
			t.finish(w.try([]task{t}))
		}
		return
	}
	for _, t := range tasks {
		t.finish(err)
	}
}

// try runs the tasks as one transaction. After an error nothing of it is stored or visible, unless the error came
// from Hooks.AfterCommit.
func (w *writer) try(tasks []task) error {
	if w.broken != nil {
		return w.broken
	}
	saved := w.counters
	b := w.batch
	b.reset()
	err := b.all(tasks)
	if err == nil {
		w.measure()
		if b.wrote {
			b.publish()
			if hook := w.s.config.Hooks.AfterCommit; hook != nil {
				if err := hook(); err != nil {
					return &hookError{err}
				}
			}
		}
		return nil
	}
	w.counters = saved
	for _, name := range b.tenants {
		delete(w.tenants, name)
	}
	if rollback := w.rollback(); rollback != nil {
		err = errors.Join(err, rollback)
		w.fail(err)
	} else if breaks(err) {
		w.fail(err)
	}
	return explain(err)
}

// rollback ends the transaction, if SQLite has not ended it by itself.
func (w *writer) rollback() error {
	if _, err := w.st.rollback.exec(); err != nil && code(err) != lib.SQLITE_ERROR {
		return err
	}
	return nil
}

// fail makes the writer refuse everything from now on.
func (w *writer) fail(err error) {
	w.broken = fmt.Errorf("%w: %w", ErrBroken, err)
	w.s.health.Store(&w.broken)
	w.s.cache.clear()
	w.s.config.Logger.Error("a write failed; the store refuses further writes until it is opened again", slog.Any("error", err))
}

// hookError is an error of a test's hook.
type hookError struct{ error }

func (e *hookError) Unwrap() error { return e.error }

func (w *writer) hooked(err error) bool {
	var h *hookError
	return errors.As(err, &h)
}

// measure asks for a checkpoint when the log has grown enough.
func (w *writer) measure() {
	n, err := w.written()
	if err != nil {
		return
	}
	w.pages += n
	if w.pages*framePage < w.s.config.CheckpointEvery {
		return
	}
	select {
	case w.checkpoint <- struct{}{}:
		w.pages = 0
	default: // one is under way; ask again after the next batch
	}
}
