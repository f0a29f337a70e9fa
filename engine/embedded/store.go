package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/engine"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
	"github.com/payonce/payonce/read"
)

var (
	_ idempotency.Ledger = (*Store)(nil)
	_ queue.Consumer     = (*Store)(nil)
	_ read.Waiter        = (*Store)(nil)
	_ read.Reader        = (*Reader)(nil)
	_ read.Letters       = (*Reader)(nil)
	_ access.Store       = (*Store)(nil)
)

// Store is an open data folder: ledger, work queue, feed, letters and API keys. Safe for concurrent use.
type Store struct {
	*Reader

	config Config
	lock   *os.File
	writer *writer
	meta   engine.Meta
	cache  *cache
	queue  *shelf
	feed   *feed

	health atomic.Pointer[error] // why the writer refuses to write; nil while it does not
	tasks  chan task
	quiet  chan func(*writer) // run by the writer between two batches

	closing sync.RWMutex // held for reading while a task is handed over
	closed  bool
	stop    chan struct{} // closed when Close begins
	running sync.WaitGroup
}

var _ engine.Engine = (*Store)(nil)

// Exclusive implements engine.Engine: the folder is locked.
func (s *Store) Exclusive() bool { return true }

// Open opens the data folder for reading and writing, makes it if it is new, and brings an older file up to date.
//
// Errors: *LockedError, ErrReadOnly, ErrCorrupt, ErrForeign, *VersionError, *PageSizeError. ctx bounds the opening
// only. The caller closes the Store.
func Open(ctx context.Context, config Config) (*Store, error) {
	config = config.withDefaults()
	dir, err := prepareDir(config.Dir)
	if err != nil {
		return nil, err
	}
	config.Dir = dir
	held, err := lock(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{
		config: config, lock: held, cache: newCache(config.CacheBytes), feed: newFeed(),
		tasks: make(chan task, config.MaxBatch), quiet: make(chan func(*writer)), stop: make(chan struct{}),
	}
	w, err := newWriter(ctx, s)
	if err != nil {
		return nil, errors.Join(err, held.Close())
	}
	if err := s.start(ctx, w); err != nil {
		return nil, errors.Join(err, w.close(), held.Close())
	}
	return s, nil
}

// start opens what stands beside the writer and sets it going.
func (s *Store) start(ctx context.Context, w *writer) error {
	reader, err := openReader(ctx, s.config.Dir, s.config.Clock)
	if err != nil {
		return err
	}
	s.Reader, s.writer = reader, w
	s.meta = w.meta
	if s.queue, err = newShelf(ctx, s.config, w.meta.Boot); err != nil {
		return errors.Join(err, reader.Close())
	}
	w.counters.mid = s.queue.top
	keeper, err := newKeeper(ctx, s.config)
	if err != nil {
		return errors.Join(err, s.queue.close(), reader.Close())
	}
	w.checkpoint = keeper.wanted
	s.running.Go(w.loop)
	s.running.Go(func() { keeper.loop(s) })
	return nil
}

// Close finishes what was handed to the writer, lets go of the folder and returns when everything has ended.
// Callers that wait in Receive get queue.ErrClosed; later calls get ErrClosed.
func (s *Store) Close() error {
	s.closing.Lock()
	if s.closed {
		s.closing.Unlock()
		return nil
	}
	s.closed = true
	close(s.stop)
	close(s.tasks)
	s.closing.Unlock()
	s.queue.shut()
	s.running.Wait()
	// The writer's connection is the last, since only one that may write clears the log away as it closes.
	return errors.Join(s.queue.close(), s.Reader.Close(), s.writer.close(), s.lock.Close())
}

// Health is nil while the store can write. After a failed sync, and the like, it says why not: ErrBroken. A full disk is
// not that: it refuses single writes, and passes.
func (s *Store) Health() error {
	if err := s.health.Load(); err != nil {
		return *err
	}
	return nil
}

// submit hands a task to the writer and waits for its end. When ctx ends first, the task may still be carried out.
func (s *Store) submit(ctx context.Context, t task) error {
	if err := s.hand(ctx, t); err != nil {
		return err
	}
	select {
	case err := <-t.reply():
		return err
	case <-ctx.Done():
		return fmt.Errorf("waiting for the commit: %w", ctx.Err())
	}
}

// hand gives a task to the writer. After nil, the task's end is told by its own means.
func (s *Store) hand(ctx context.Context, t task) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.closed {
		return ErrClosed
	}
	select {
	case s.tasks <- t:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// between runs f in the writer, between two batches. It reports false if the store was closed instead.
func (s *Store) between(f func(*writer)) bool {
	done := make(chan struct{})
	select {
	case s.quiet <- func(w *writer) { defer close(done); f(w) }:
		<-done
		return true
	case <-s.stop:
		return false
	}
}

// Poke looks at the clock again. Only clocks that do not run by themselves need it.
func (s *Store) Poke() { s.queue.poke() }

func (s *Store) now() time.Time { return s.config.Clock() }
