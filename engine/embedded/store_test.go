package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
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
