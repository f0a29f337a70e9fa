package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// TestReadOnlyFolder: a folder that the process may not write to. For root every folder is writable unless the file
// system says no, so there the classification of the kernel's answer is tested by what SQLite says of such a file.
func TestReadOnlyFolder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, embedded.Config{Dir: dir})
	if err := s.Run("PRAGMA query_only=1"); err != nil { // SQLITE_READONLY for every write
		t.Fatal(err)
	}
	err := s.Commit(t.Context(), enginetest.Accept(time.Now(), "shop", "k1", ""))
	if !errors.Is(err, embedded.ErrReadOnly) {
		t.Errorf("commit on what cannot be written gives %v", err)
	}
	if err := s.Run("PRAGMA query_only=0"); err != nil {
		t.Fatal(err)
	}
	accept(t, s, "k1", "")
	closeStore(t, s)
	if os.Getuid() == 0 {
		return
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	if err := os.Remove(filepath.Join(dir, "payonce.lock")); err == nil {
		t.Fatal("the folder can be written to")
	}
	sub := filepath.Join(dir, "new")
	if _, err := embedded.Open(t.Context(), embedded.Config{Dir: sub}); !errors.Is(err, embedded.ErrReadOnly) {
		t.Errorf("open gives %v", err)
	}
}

// TestFullDisk: what does not fit is refused and leaves nothing; with room it goes on.
func TestFullDisk(t *testing.T) {
	s := open(t, embedded.Config{})
	held := accept(t, s, "held", "order-0")
	pages, err := s.LimitPages(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.LimitPages(pages + 20); err != nil {
		t.Fatal(err)
	}
	var refused []string
	stored := 0
	for i := 0; len(refused) < 3; i++ {
		key := fmt.Sprint("k", i)
		err := s.Commit(t.Context(), enginetest.Accept(time.Now(), "shop", key, "order-"+key))
		switch {
		case err == nil:
			stored++
		case errors.Is(err, embedded.ErrFull):
			refused = append(refused, key)
		default:
			t.Fatalf("commit %d: %v", i, err)
		}
		if i > 10_000 {
			t.Fatal("the disk is never full")
		}
	}
	for _, key := range refused {
		if _, err := s.Load(t.Context(), enginetest.ID("shop", key)); !errors.Is(err, idempotency.ErrNotFound) {
			t.Errorf("%s was refused and can be loaded: %v", key, err)
		}
	}
	if d, err := s.Depth(t.Context()); err != nil || d.Waiting() != stored+1 {
		t.Errorf("%d messages for %d payments, %v", d.Waiting(), stored+1, err)
	}
	if _, err := s.LimitPages(0); err != nil {
		t.Fatal(err)
	}
	for _, key := range refused {
		accept(t, s, key, "order-"+key)
	}
	if r, err := s.Load(t.Context(), held.ID); err != nil || r.Version != 1 {
		t.Errorf("what was there is %+v, %v", r, err)
	}
	wantHealthy(t, s)
}

// TestBrokenDisk: after a failed sync nothing of the batch is visible, and no write is taken until the store is opened
// again.
func TestBrokenDisk(t *testing.T) {
	dir := t.TempDir()
	var fail atomic.Bool
	s := open(t, embedded.Config{Dir: dir, Hooks: embedded.Hooks{BeforeCommit: func() error {
		if fail.Load() {
			return embedded.ErrDisk
		}
		return nil
	}}})
	before := accept(t, s, "k1", "order-1")
	delivery, err := s.Receive(t.Context(), 1, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	fail.Store(true)
	if err := s.Commit(t.Context(), enginetest.Claim(time.Now(), before, "1/1")); !errors.Is(err, embedded.ErrDisk) {
		t.Fatalf("commit: %v", err)
	}
	fail.Store(false)
	if r, err := s.Load(t.Context(), before.ID); err != nil || r.Version != 1 || r.State != idempotency.Accepted {
		t.Errorf("the failed claim shows: %+v, %v", r, err)
	}
	if err := s.Commit(t.Context(), enginetest.Accept(time.Now(), "shop", "k2", "")); !errors.Is(err, embedded.ErrBroken) {
		t.Errorf("a write after the failure: %v", err)
	}
	if _, err := s.Delete(t.Context(), []queue.Receipt{delivery[0].Receipt}); !errors.Is(err, embedded.ErrBroken) {
		t.Errorf("a delete after the failure: %v", err)
	}
	if d, err := s.Depth(t.Context()); err != nil || d.InFlight != 1 {
		t.Errorf("the message whose delete failed: %+v, %v", d, err)
	}
	if err := s.PutKey(t.Context(), key(1)); !errors.Is(err, embedded.ErrBroken) {
		t.Errorf("a key after the failure: %v", err)
	}
	closeStore(t, s)
	s = open(t, embedded.Config{Dir: dir})
	accept(t, s, "k2", "")
	wantHealthy(t, s)
}

// TestFailAtEffect fails a payment's life at each commit, before it and after it, and each time goes on: at the end
// every step has taken effect once.
func TestFailAtEffect(t *testing.T) {
	errTest := errors.New("failed by the test")
	for k := 1; ; k++ {
		commits, failed := 0, false
		hook := func() error {
			if commits++; commits == k && !failed {
				failed = true
				return errTest
			}
			return nil
		}
		s := open(t, embedded.Config{Hooks: embedded.Hooks{BeforeCommit: hook, AfterCommit: hook}})
		again := func(what string, do func() error) {
			t.Helper()
			err := do()
			if errors.Is(err, errTest) {
				err = do()
			}
			var stale *idempotency.StaleError
			if err != nil && !errors.As(err, &stale) { // it had taken effect
				t.Fatalf("k=%d: %s: %v", k, what, err)
			}
		}
		commit := func(c idempotency.Change) {
			t.Helper()
			again("commit", func() error { return s.Commit(t.Context(), c) })
		}
		a := enginetest.Accept(time.Now(), "shop", "k1", "order-1")
		commit(a)
		c := enginetest.Claim(time.Now(), *a.Record, "1/1")
		commit(c)
		commit(enginetest.Settle(time.Now(), *c.Record, idempotency.Succeeded))
		d, err := s.Receive(t.Context(), 10, time.Minute)
		if err != nil || len(d) != 1 {
			t.Fatalf("k=%d: %v, %v", k, d, err)
		}
		again("delete", func() error {
			_, err := s.Delete(t.Context(), []queue.Receipt{d[0].Receipt})
			return err
		})
		if r, err := s.Load(t.Context(), a.Record.ID); err != nil || r.Version != 3 || r.State != idempotency.Succeeded {
			t.Errorf("k=%d: %+v, %v", k, r, err)
		}
		if feed, err := s.Events(t.Context(), "shop", 0, 10); err != nil || len(feed.Events) != 1 {
			t.Errorf("k=%d: feed %+v, %v", k, feed, err)
		}
		if depth, err := s.Depth(t.Context()); err != nil || depth.Waiting() != 0 {
			t.Errorf("k=%d: depth %+v, %v", k, depth, err)
		}
		wantHealthy(t, s)
		closeStore(t, s)
		if !failed {
			break
		}
	}
}

// TestKilled copies the files while a transaction is open, or committed and not answered yet, as a kill would leave
// them, and opens the copy: all that was acknowledged before is there. A checkpoint may be under way meanwhile.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	copies := make(chan string) // folders to copy to
	copied := make(chan error)
	hook := func() error {
		select {
		case to := <-copies:
			copied <- copyFiles(dir, to)
		default:
		}
		return nil
	}
	s := open(t, embedded.Config{
		Dir: dir, CheckpointEvery: 64 << 10, LogLimit: 512 << 10,
		Hooks: embedded.Hooks{BeforeCommit: hook, AfterCommit: hook},
	})
	var acknowledged sync.Map
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				c := enginetest.Accept(time.Now(), "shop", fmt.Sprint(w, "-", i), fmt.Sprint("order-", w, "-", i))
				if s.Commit(t.Context(), c) == nil {
					acknowledged.Store(c.Record.ID, true)
				}
			}
		})
	}
	for round := range 8 {
		waitFor(t, s, 100)
		var before []events.ID
		acknowledged.Range(func(id, _ any) bool {
			before = append(before, id.(events.ID)) //nolint:forcetypeassert // ours
			return true
		})
		to := t.TempDir()
		copies <- to
		if err := <-copied; err != nil {
			t.Fatal(err)
		}
		if round%2 == 1 {
			tear(t, filepath.Join(to, "payonce.db-wal"))
		}
		after := open(t, embedded.Config{Dir: to})
		for _, id := range before {
			if _, err := after.Load(t.Context(), id); err != nil {
				t.Fatalf("%s was acknowledged: %v", id, err)
			}
		}
		wantHealthy(t, after)
		closeStore(t, after)
	}
	cancel()
	wg.Wait()
}

func copyFiles(from, to string) error {
	for _, name := range []string{"payonce.db", "payonce.db-wal"} {
		b, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// tear leaves half of a write at the end of a log.
func tear(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 1500)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// waitFor waits until some more payments were accepted.
func waitFor(t *testing.T, s *embedded.Store, more int) {
	t.Helper()
	d, err := s.Depth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for want := d.Waiting() + more; d.Waiting() < want; {
		if d, err = s.Depth(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
