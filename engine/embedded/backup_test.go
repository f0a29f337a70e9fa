package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/idempotency"
)

func key(n byte) access.Key {
	return access.Key{
		ID: fmt.Sprintf("key_%016x", n), Hash: [32]byte{n}, Tenant: "shop", Principal: "checkout", Role: access.Producer,
		Created: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Hint: "abcd",
	}
}

// TestBackupWhileWriting takes a backup under load and restores it: it is whole, holds what was acknowledged before it
// began, and begins anew where nobody knows.
func TestBackupWhileWriting(t *testing.T) {
	s := open(t, embedded.Config{})
	if err := s.PutKey(t.Context(), key(1)); err != nil {
		t.Fatal(err)
	}
	for i := range 800 {
		accept(t, s, fmt.Sprint("before", i), fmt.Sprint("order-", i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				c := enginetest.Accept(time.Now(), "shop", fmt.Sprint(w, "-", i), "")
				if err := s.Commit(t.Context(), c); err != nil {
					t.Error(err)
					return
				}
				c = enginetest.Settle(time.Now(), *c.Record, idempotency.Succeeded)
				if err := s.Commit(t.Context(), c); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	path := filepath.Join(t.TempDir(), "backup.db")
	began := time.Now()
	last, steps := 0, 0
	err := s.Backup(t.Context(), path, func(done, total int) {
		if done < last || done > total {
			t.Errorf("progress goes from %d to %d of %d: the copy began again", last, done, total)
		}
		last = done
		steps++
	})
	ended := time.Now()
	cancel()
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if steps < 2 {
		t.Errorf("it was copied in %d steps", steps)
	}
	if err := s.Backup(t.Context(), path, nil); !errors.Is(err, embedded.ErrExists) {
		t.Errorf("a second backup to the same place: %v", err)
	}
	if left, err := filepath.Glob(path + "?*"); err != nil || len(left) != 0 {
		t.Errorf("beside the backup there is %v, %v", left, err)
	}

	dir := filepath.Join(t.TempDir(), "restored")
	now := time.Now().Add(time.Hour)
	restored, err := embedded.Restore(t.Context(), path, dir, now)
	if err != nil {
		t.Fatal(err)
	}
	again := open(t, embedded.Config{Dir: dir})
	wantHealthy(t, again)
	meta := again.Meta()
	if was := s.Meta(); meta.Installation != was.Installation || meta.Secret != was.Secret || meta.Generation <= was.Generation {
		t.Errorf("restored %+v of %+v", meta, was)
	}
	taken := meta.TakenAt.Time()
	if taken.Before(began.Truncate(time.Millisecond)) || taken.After(ended) {
		t.Errorf("taken at %s, between %s and %s", taken, began, ended)
	}
	gate, err := again.Gate(t.Context())
	// None of the payments is final, so the sweep begins with the first of them.
	first, err2 := again.Load(t.Context(), enginetest.ID("shop", "before0"))
	want := idempotency.Window{From: meta.TakenAt.Add(-5 * time.Minute), To: idempotency.At(now), Oldest: first.Created}
	if err = errors.Join(err, err2); err != nil || gate == nil || *gate != want || restored.Gate != want {
		t.Errorf("gate %v, want %v, %v", gate, want, err)
	}
	for i := range 800 {
		if _, err := again.Load(t.Context(), enginetest.ID("shop", fmt.Sprint("before", i))); err != nil {
			t.Fatalf("payment %d: %v", i, err)
		}
	}
	if k, err := again.LookupKey(t.Context(), [32]byte{1}); err != nil || k != key(1) {
		t.Errorf("key %+v, %v", k, err)
	}
	if err := again.CloseGate(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeStore(t, again)
	again = open(t, embedded.Config{Dir: dir})
	if gate, err := again.Gate(t.Context()); err != nil || gate != nil {
		t.Errorf("a closed gate is %v, %v", gate, err)
	}
}

func TestBackupCanceled(t *testing.T) {
	s := open(t, embedded.Config{})
	for i := range 300 {
		accept(t, s, fmt.Sprint(i), "")
	}
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	err := s.Backup(ctx, filepath.Join(dir, "b"), func(int, int) { cancel() })
	if !errors.Is(err, context.Canceled) {
		// It may have been small enough to end in one step.
		if err != nil {
			t.Fatalf("canceled backup: %v", err)
		}
		return
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("a canceled backup leaves %v, %v", left, err)
	}
	if err := s.Backup(t.Context(), filepath.Join(dir, "b"), nil); err != nil {
		t.Errorf("the next backup: %v", err)
	}
}

func TestRestoreRefuses(t *testing.T) {
	s := open(t, embedded.Config{})
	accept(t, s, "k1", "")
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := s.Backup(t.Context(), backup, nil); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	write := func(content []byte) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	damaged := append([]byte(nil), whole...)
	for i := 3 * 1024; i < len(damaged); i++ {
		damaged[i] ^= 0x55
	}
	plain := t.TempDir()
	closeStore(t, open(t, embedded.Config{Dir: plain}))
	used := t.TempDir()
	closeStore(t, open(t, embedded.Config{Dir: used}))
	for name, c := range map[string]struct {
		backup, dir string
		want        error
	}{
		"missing":      {filepath.Join(t.TempDir(), "none"), t.TempDir(), embedded.ErrMissing},
		"text":         {write([]byte(strings.Repeat("text ", 1000))), t.TempDir(), embedded.ErrCorrupt},
		"damaged":      {write(damaged), t.TempDir(), embedded.ErrCorrupt},
		"cut off":      {write(whole[:len(whole)/2]), t.TempDir(), embedded.ErrCorrupt},
		"no backup":    {filepath.Join(plain, "payonce.db"), t.TempDir(), embedded.ErrNoBackup},
		"folder taken": {backup, used, embedded.ErrExists},
	} {
		if _, err := embedded.Restore(t.Context(), c.backup, c.dir, time.Now()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if name == "folder taken" {
			continue
		}
		if _, err := embedded.OpenReader(t.Context(), c.dir); !errors.Is(err, embedded.ErrMissing) {
			t.Errorf("%s: the refused restore leaves something: %v", name, err)
		}
	}
	// Two restores of one backup are two generations; a gate that was not swept stays as wide as it was.
	dir1, dir2 := t.TempDir(), t.TempDir()
	now := time.Now()
	first, err := embedded.Restore(t.Context(), backup, dir1, now)
	if err != nil {
		t.Fatal(err)
	}
	second, err := embedded.Restore(t.Context(), backup, dir2, now.Add(time.Second))
	if err != nil || second.Meta.Generation <= first.Meta.Generation {
		t.Errorf("generations %d and %d, %v", first.Meta.Generation, second.Meta.Generation, err)
	}
	restored := open(t, embedded.Config{Dir: dir1})
	next := filepath.Join(t.TempDir(), "next.db")
	if err := restored.Backup(t.Context(), next, nil); err != nil {
		t.Fatal(err)
	}
	third, err := embedded.Restore(t.Context(), next, t.TempDir(), now.Add(time.Hour))
	if err != nil || third.Gate.From != first.Gate.From || third.Meta.Generation <= first.Meta.Generation {
		t.Errorf("third %+v, first %+v, %v", third, first, err)
	}
}
