package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
	"github.com/payonce/payonce/read"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a store and closes it when the test ends.
func open(t testing.TB, c embedded.Config) *embedded.Store {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	s, err := embedded.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

func closeStore(t testing.TB, s *embedded.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func accept(t testing.TB, s *embedded.Store, key, reference string) idempotency.Record {
	t.Helper()
	c := enginetest.Accept(time.Now(), "shop", key, reference)
	if err := s.Commit(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	return *c.Record
}

func wantHealthy(t testing.TB, s *embedded.Store) *embedded.Report {
	t.Helper()
	report, err := s.Check(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		t.Errorf("check: %s %s %s", f.Kind, f.ID, f.Sentence)
	}
	return report
}

func TestMeta(t *testing.T) {
	dir := t.TempDir()
	s := open(t, embedded.Config{Dir: dir})
	first := s.Meta()
	closeStore(t, s)
	s = open(t, embedded.Config{Dir: dir})
	second := s.Meta()
	if first.Installation != second.Installation || first.Secret != second.Secret || first.Generation != 1 {
		t.Errorf("identity changed: %+v, %+v", first, second)
	}
	if second.Boot != first.Boot+1 || first.BootName() == second.BootName() {
		t.Errorf("boots %d and %d", first.Boot, second.Boot)
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", first, first, first, first.Secret); strings.Contains(shown, fmt.Sprint(first.Secret[0], " ", first.Secret[1])) {
		t.Error("the secret prints itself")
	}
	if gate, err := s.Gate(t.Context()); err != nil || gate != nil {
		t.Errorf("a new folder has gate %v, %v", gate, err)
	}
}

func TestSecondWriter(t *testing.T) {
	dir := t.TempDir()
	s := open(t, embedded.Config{Dir: dir})
	_, err := embedded.Open(t.Context(), embedded.Config{Dir: dir})
	var locked *embedded.LockedError
	if !errors.As(err, &locked) || locked.Dir != dir || locked.PID != os.Getpid() {
		t.Fatalf("a second writer gets %v", err)
	}
	// Reading beside the writer works, and sees what is committed.
	r, err := embedded.OpenReader(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	want := accept(t, s, "k1", "")
	if got, err := r.Load(t.Context(), want.ID); err != nil || got.Version != 1 {
		t.Errorf("reader: %+v, %v", got, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	closeStore(t, s)
	open(t, embedded.Config{Dir: dir})
}

func TestOddFolderName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c#d%20e&f=ü")
	s := open(t, embedded.Config{Dir: dir})
	accept(t, s, "k1", "")
	if err := s.Backup(t.Context(), filepath.Join(dir, "b?k#p"), nil); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "payonce.db")); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	file := func(t *testing.T, content string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "payonce.db"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	ours := func(t *testing.T, script string) string {
		dir := t.TempDir()
		closeStore(t, open(t, embedded.Config{Dir: dir}))
		if err := embedded.Rewrite(dir, script); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for name, c := range map[string]struct {
		dir  func(t *testing.T) string
		want func(err error) bool
	}{
		"no database": {
			func(t *testing.T) string { return file(t, strings.Repeat("this is a text, not a database.\n", 100)) },
			func(err error) bool { return errors.Is(err, embedded.ErrCorrupt) },
		},
		"someone else's": {
			func(t *testing.T) string { return ours(t, "PRAGMA application_id=7") },
			func(err error) bool { return errors.Is(err, embedded.ErrForeign) },
		},
		"newer": {
			func(t *testing.T) string { return ours(t, "PRAGMA user_version=99") },
			func(err error) bool {
				var v *embedded.VersionError
				return errors.As(err, &v) && v.File == 99
			},
		},
		"page size": {
			func(t *testing.T) string {
				return ours(t, "PRAGMA journal_mode=DELETE; PRAGMA page_size=4096; VACUUM; PRAGMA journal_mode=WAL")
			},
			func(err error) bool {
				var p *embedded.PageSizeError
				return errors.As(err, &p) && p.Got == 4096
			},
		},
		"a file in its place": {
			func(t *testing.T) string { return filepath.Join(file(t, "x"), "payonce.db") },
			func(err error) bool { return err != nil },
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := c.dir(t)
			s, err := embedded.Open(t.Context(), embedded.Config{Dir: dir})
			if err == nil {
				closeStore(t, s)
			}
			if !c.want(err) {
				t.Errorf("open gives %v", err)
			}
			r, err := embedded.OpenReader(t.Context(), dir)
			if err == nil {
				_ = r.Close() // it should not have opened
			}
			if err == nil {
				t.Error("a reader opens it")
			}
		})
	}
	if _, err := embedded.OpenReader(t.Context(), t.TempDir()); !errors.Is(err, embedded.ErrMissing) {
		t.Errorf("a reader of an empty folder gets %v", err)
	}
	if _, err := embedded.Open(t.Context(), embedded.Config{}); err == nil {
		t.Error("a store without a folder opens")
	}
}

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

func TestClosed(t *testing.T) {
	s := open(t, embedded.Config{})
	r := accept(t, s, "k1", "")
	waiting := make(chan error)
	if _, err := s.Receive(t.Context(), 1, time.Minute); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := s.Receive(context.Background(), 1, time.Minute)
		waiting <- err
	}()
	closeStore(t, s)
	if err := <-waiting; !errors.Is(err, queue.ErrClosed) {
		t.Errorf("a waiting receive gets %v", err)
	}
	if err := s.Commit(t.Context(), enginetest.Claim(time.Now(), r, "1/1")); !errors.Is(err, embedded.ErrClosed) {
		t.Errorf("commit: %v", err)
	}
	if err := s.Backup(t.Context(), filepath.Join(t.TempDir(), "b"), nil); !errors.Is(err, embedded.ErrClosed) {
		t.Errorf("backup: %v", err)
	}
}

func TestPruneEvents(t *testing.T) {
	clock := enginetest.NewClock()
	dir := t.TempDir()
	s := open(t, embedded.Config{Dir: dir, Clock: clock.Now})
	settle := func(key string) {
		c := enginetest.Accept(clock.Now(), "shop", key, "")
		if err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), enginetest.Settle(clock.Now(), *c.Record, idempotency.Failed)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1200 {
		if i == 1100 {
			clock.Advance(time.Hour)
		}
		settle(fmt.Sprint("k", i))
	}
	n, err := s.PruneEvents(t.Context(), clock.Now())
	if err != nil || n != 1100 {
		t.Fatalf("pruned %d, %v", n, err)
	}
	feed, err := s.Events(t.Context(), "shop", 0, 100)
	if err != nil || len(feed.Events) != 100 || feed.Events[0].Pos != 1101 || feed.Pruned != 1100 {
		t.Errorf("feed: %d events, pruned %d, %v", len(feed.Events), feed.Pruned, err)
	}
	wantHealthy(t, s)
	clock.Advance(time.Hour)
	if n, err := s.PruneEvents(t.Context(), clock.Now()); err != nil || n != 100 {
		t.Fatalf("pruned %d, %v", n, err)
	}
	closeStore(t, s)
	s = open(t, embedded.Config{Dir: dir, Clock: clock.Now})
	settle("last")
	feed, err = s.Events(t.Context(), "shop", 1150, 100)
	if err != nil || len(feed.Events) != 1 || feed.Events[0].Pos != 1201 {
		t.Errorf("positions were given again: %+v, %v", feed, err)
	}
	wantHealthy(t, s)
}

// TestManyWaiting: of many waiting messages few are in memory, and each is delivered once.
func TestManyWaiting(t *testing.T) {
	clock := enginetest.NewClock()
	s := open(t, embedded.Config{Clock: clock.Now})
	const n = 30_000
	send := func(delay time.Duration) {
		c := idempotency.Change{}
		for i := range 500 {
			c.Messages = append(c.Messages, idempotency.Message{Operation: events.ID{1, byte(i)}, Delay: delay})
		}
		if err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n / 500 {
		send(time.Duration(i%2) * time.Duration(n-i) * 10 * time.Millisecond)
	}
	if got := s.InMemory(); got > 12_000 {
		t.Errorf("%d of %d messages are in memory", got, n)
	}
	clock.Advance(time.Hour)
	seen := 0
	for seen < n {
		got, err := s.Receive(t.Context(), 10, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		var receipts []queue.Receipt
		for _, d := range got {
			if d.Receives != 1 {
				t.Fatalf("delivered twice: %+v", d)
			}
			receipts = append(receipts, d.Receipt)
		}
		seen += len(got)
		if _, err := s.Delete(t.Context(), receipts); err != nil {
			t.Fatal(err)
		}
	}
	if d, err := s.Depth(t.Context()); err != nil || d != (queue.Depth{}) {
		t.Errorf("depth %+v, %v", d, err)
	}
}

// TestStuckReader: a reader that never ends keeps the log from starting over, not the writer from writing; once it has
// gone the log is cut.
func TestStuckReader(t *testing.T) {
	dir := t.TempDir()
	const limit = 512 << 10
	s := open(t, embedded.Config{Dir: dir, CheckpointEvery: 64 << 10, LogLimit: limit})
	accept(t, s, "first", "")
	done, err := embedded.HoldView(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	write := func() int64 {
		n++
		accept(t, s, fmt.Sprint("k", n), fmt.Sprint("order-", n))
		info, err := os.Stat(filepath.Join(dir, "payonce.db-wal"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	for write() < 3*limit {
		if n > 20_000 {
			t.Fatal("the log does not grow under a reader")
		}
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	for write() > limit+limit/2 {
		if n > 40_000 {
			t.Fatal("the log is never cut")
		}
	}
	if p, err := s.List(t.Context(), read.Filter{Tenant: "shop", Limit: 5}); err != nil || len(p.Records) != 5 {
		t.Errorf("list: %d, %v", len(p.Records), err)
	}
	wantHealthy(t, s)
}
