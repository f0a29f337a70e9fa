package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// box is a sandbox on a journal whose clock the test moves.
func openBox(t *testing.T, path string, now *time.Time) *Sandbox {
	t.Helper()
	s, err := Open(Config{Path: path, Seed: 3, Clock: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func (s *Sandbox) handle(t *testing.T, r Request, f Fault) (out Response) {
	t.Helper()
	if err := s.Do(func(core *Stripe, now time.Time) { out = core.Handle(r, now, f) }); err != nil {
		t.Fatal(err)
	}
	return out
}

// copied is a copy of a journal as it is on disk now, as a kill would leave it.
func copied(t *testing.T, path string, upTo int) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if upTo >= 0 {
		b = b[:upTo]
	}
	out := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(out, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestKillKeepsEverything(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	path := filepath.Join(t.TempDir(), "journal")
	s := openBox(t, path, &now)
	plan := Plan{Seed: 5, Rules: []Rule{{Kind: RateLimit, Endpoint: "cancel", Times: 2}}}
	if err := s.Do(func(core *Stripe, now time.Time) { _ = core.SetFaults(plan, now) }); err != nil {
		t.Fatal(err)
	}
	made := decode(t, s.handle(t, post(create, ours, "k1"), Fault{}).Body).text("id")
	lost := s.handle(t, confirmOf(made, "pm_card_visa", "k2"), Fault{Kind: LostAnswer})
	s.handle(t, post(create, cardOnly+"&confirm=true&payment_method=pm_card_chargeDeclined", "k3"), Fault{})
	s.handle(t, post(create, cardOnly, "k4"), Fault{Kind: Error500Effect})
	slow := decode(t, s.handle(t, post(create, cardOnly, "k5"), Fault{}).Body).text("id")
	s.handle(t, confirmOf(slow, "pm_card_visa", "k6"), Fault{Kind: LateEffect, Delay: 24 * time.Hour})
	s.handle(t, post(create+"/"+slow+"/cancel", "", ""), Fault{}) // 429 by the plan
	if err := s.Do(func(core *Stripe, now time.Time) { _ = core.Advance(time.Hour, now) }); err != nil {
		t.Fatal(err)
	}

	// No Close: the bytes on disk are all that is left.
	again := openBox(t, copied(t, path, -1), &now)
	sameState(t, s.core, again.core, now)
	if lost.Fate != Closed {
		t.Fatal("the answer was not lost")
	}
	resp := again.handle(t, confirmOf(made, "pm_card_visa", "k2"), Fault{})
	if !resp.Replayed || resp.Status != 200 || decode(t, resp.Body).text("status") != "succeeded" {
		t.Errorf("%+v", resp)
	}
	if got := again.handle(t, post(create, cardOnly, "k4"), Fault{}); got.Status != 500 || !got.Replayed {
		t.Errorf("a kept 500: %+v", got)
	}
	if got := again.core.Faults(); got.Seed != 5 || got.Rules[0].Fired != 1 {
		t.Errorf("plan %+v", got)
	}
	now = now.Add(24 * time.Hour)
	stats, err := again.Stats()
	if err != nil || stats.Charges != 2 {
		t.Errorf("the late effect: %+v %v", stats, err)
	}
	// New ids do not repeat old ones.
	if id := decode(t, again.handle(t, post(create, cardOnly, ""), Fault{}).Body).text("id"); s.core.intents[id] != nil {
		t.Error("an id came twice")
	}
}

func TestTornTail(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	path := filepath.Join(t.TempDir(), "journal")
	s := openBox(t, path, &now)
	type mark struct {
		size    int
		charges int
	}
	size := func() int {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return int(info.Size())
	}
	if err := s.Do(func(*Stripe, time.Time) {}); err != nil {
		t.Fatal(err)
	}
	marks := []mark{{size(), 0}}
	for n := range 3 {
		s.handle(t, post(create, ours+"&confirm=true&payment_method=pm_card_visa", fmt.Sprint("k", n)), Fault{})
		marks = append(marks, mark{size(), n + 1})
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut <= len(whole); cut++ {
		if cut > 3 && cut < marks[2].size-3 {
			continue // the last frame is tried at every byte, the rest at its edges
		}
		want := 0
		for _, m := range marks {
			if cut >= m.size {
				want = m.charges
			}
		}
		for _, junk := range [][]byte{nil, make([]byte, 40), []byte("psbx and some more of the old page")} {
			if junk != nil && (cut < len(journalHeader) || cut%16 != 0) {
				continue
			}
			again, err := Open(Config{Path: torn(t, whole[:cut], junk), Seed: 3, Clock: func() time.Time { return now }})
			if err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			if got := again.core.Stats(now); got.Charges != want || got.Keys != want {
				t.Fatalf("cut at %d of %d: %d charges and %d keys, want %d", cut, len(whole), got.Charges, got.Keys, want)
			}
			if err := again.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func torn(t *testing.T, whole, junk []byte) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "torn")
	if err := os.WriteFile(out, append(bytes.Clone(whole), junk...), 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWritesAfterATornTail(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	path := filepath.Join(t.TempDir(), "journal")
	s := openBox(t, path, &now)
	pay := func(s *Sandbox, key string) {
		s.handle(t, post(create, ours+"&confirm=true&payment_method=pm_card_visa", key), Fault{})
	}
	pay(s, "k1")
	pay(s, "k2")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := copied(t, path, int(info.Size())-1)
	second := openBox(t, cut, &now)
	pay(second, "k3")
	third := openBox(t, copied(t, cut, -1), &now)
	if got := third.core.Stats(now); got.Charges != 2 {
		t.Errorf("%+v", got)
	}
}

func TestDamageInTheMiddleIsRefused(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	path := filepath.Join(t.TempDir(), "journal")
	s := openBox(t, path, &now)
	if err := s.Do(func(*Stripe, time.Time) {}); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		s.handle(t, post(create, ours, fmt.Sprint("k", n)), Fault{})
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndex(whole, []byte(frameMagic))
	for at := range last {
		bad := bytes.Clone(whole)
		bad[at] ^= 0x40
		_, err := Open(Config{Path: torn(t, bad, nil)})
		want := ErrCorrupt
		if at < len(journalHeader) {
			want = ErrNotJournal
		}
		if !errors.Is(err, want) {
			t.Fatalf("byte %d: %v", at, err)
		}
	}
	// A frame that is missing, with those after it whole.
	first := bytes.Index(whole, []byte(frameMagic))
	second := first + 1 + bytes.Index(whole[first+1:], []byte(frameMagic))
	if _, err := Open(Config{Path: torn(t, append(bytes.Clone(whole[:first]), whole[second:]...), nil)}); !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	now := time.Now()
	path := filepath.Join(t.TempDir(), "journal")
	openBox(t, path, &now)
	if _, err := Open(Config{Path: path}); !errors.Is(err, ErrLocked) {
		t.Errorf("second opener: %v", err)
	}
	if _, err := Open(Config{Path: torn(t, []byte("somebody's letters, longer than a header"), nil)}); !errors.Is(err, ErrNotJournal) {
		t.Error(err)
	}
	if _, err := Open(Config{Path: torn(t, []byte("hi"), nil)}); !errors.Is(err, ErrNotJournal) {
		t.Error(err)
	}
	if _, err := Open(Config{Path: filepath.Join(t.TempDir(), "no", "such")}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := Open(Config{Faults: Plan{Rules: []Rule{{Kind: "x"}}}}); !errors.Is(err, ErrPlan) {
		t.Error(err)
	}
}

var errDisk = errors.New("no space left")

func TestNothingLeavesAfterAFailedSync(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	s := openBox(t, filepath.Join(t.TempDir(), "journal"), &now)
	s.handle(t, post(create, ours, "k1"), Fault{})
	s.journal.mu.Lock()
	s.journal.sync = func() error { return errDisk }
	s.journal.mu.Unlock()
	for range 2 {
		err := s.Do(func(core *Stripe, now time.Time) { core.Handle(post(create, ours, ""), now, Fault{}) })
		if !errors.Is(err, errDisk) {
			t.Fatal(err)
		}
	}
	if err := s.Close(); !errors.Is(err, errDisk) {
		t.Error(err)
	}
}

func TestCloseIsFinal(t *testing.T) {
	now := time.Now()
	path := filepath.Join(t.TempDir(), "journal")
	s := openBox(t, path, &now)
	s.handle(t, post(create, ours, ""), Fault{})
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := s.Do(func(core *Stripe, now time.Time) { core.Forget(now) }); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	again := openBox(t, path, &now)
	if got := again.core.Stats(now); got.Intents[RequiresPaymentMethod] != 1 {
		t.Errorf("%+v", got)
	}
}
