package memory_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/engine/memory"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

var errTest = errors.New("failed by the test")

// TestSplitOrder: the steps of a Change come in the documented order, and a record does not claim to be published
// before its outcome is there.
func TestSplitOrder(t *testing.T) {
	now := enginetest.NewClock().Now()
	for k := range 8 {
		var steps []string
		armed := false
		s := memory.Open(memory.Config{Clock: func() time.Time { return now }, Split: true, Fail: func(step string) error {
			if !armed {
				return nil
			}
			if steps = append(steps, step); len(steps) == k+1 {
				return errTest
			}
			return nil
		}})
		if s.AtomicAccept() {
			t.Fatal("a split engine says that accepting is atomic")
		}
		a := enginetest.Accept(now, "shop", "k1", "order-1")
		a.Messages = nil
		if err := s.Commit(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		armed = true
		c := enginetest.Settle(now, *a.Record, idempotency.Failed)
		c.Messages = []idempotency.Message{{Operation: c.Record.ID}}
		c.Letter = &idempotency.Letter{Operation: c.Record.ID, Class: idempotency.AttentionVerify, At: 1}
		err := s.Commit(t.Context(), c)
		want := []string{
			memory.StepRecord, memory.StepMessage, memory.StepLetter, memory.StepOutcome, memory.StepPublished, memory.StepAnswer,
		}
		if !slices.Equal(steps, want[:min(k+1, len(want))]) {
			t.Errorf("k=%d: steps %v", k, steps)
		}
		if failed := k < len(want); failed != errors.Is(err, errTest) {
			t.Errorf("k=%d: commit gives %v", k, err)
		}
		r, err := s.Load(t.Context(), c.Record.ID)
		if err != nil {
			t.Fatal(err)
		}
		feed, err := s.Events(t.Context(), "shop", 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		if r.Published && len(feed.Events) == 0 {
			t.Errorf("k=%d: it is marked as published and was not", k)
		}
		due, err := s.Due(t.Context(), idempotency.At(now), 10)
		if err != nil {
			t.Fatal(err)
		}
		if unpublished := r.State.Final() && !r.Published; unpublished != (len(due) == 1) {
			t.Errorf("k=%d: unpublished %v, due %v", k, unpublished, due)
		}
	}
}

// TestWholeFails: a Change that fails as a whole leaves nothing; one whose answer is lost leaves all of it.
func TestWholeFails(t *testing.T) {
	now := enginetest.NewClock().Now()
	for _, at := range []string{memory.StepCommit, memory.StepAnswer} {
		fail := true
		s := memory.Open(memory.Config{Clock: func() time.Time { return now }, Fail: func(step string) error {
			if fail && step == at {
				return errTest
			}
			return nil
		}})
		c := enginetest.Accept(now, "shop", "k1", "order-1")
		if err := s.Commit(t.Context(), c); !errors.Is(err, errTest) {
			t.Fatalf("%s: %v", at, err)
		}
		_, err := s.Load(t.Context(), c.Record.ID)
		d, derr := s.Depth(t.Context())
		if stored := at == memory.StepAnswer; derr != nil || stored != (err == nil) || stored != (d.Visible == 1) {
			t.Errorf("%s: load gives %v, depth %+v", at, err, d)
		}
		fail = false
		var stale *idempotency.StaleError
		if err := s.Commit(t.Context(), c); (at == memory.StepAnswer) != errors.As(err, &stale) {
			t.Errorf("%s: the repeat gives %v", at, err)
		}
	}
}

func TestDeleteFails(t *testing.T) {
	fail := true
	s := memory.Open(memory.Config{Fail: func(step string) error {
		if fail && step == memory.StepDelete {
			return errTest
		}
		return nil
	}})
	if err := s.Commit(t.Context(), enginetest.Accept(time.Now(), "shop", "k1", "")); err != nil {
		t.Fatal(err)
	}
	d, err := s.TryReceive(1, time.Minute)
	if err != nil || len(d) != 1 {
		t.Fatalf("receive: %v, %v", d, err)
	}
	if _, err := s.Delete(t.Context(), []queue.Receipt{d[0].Receipt}); !errors.Is(err, errTest) {
		t.Errorf("delete: %v", err)
	}
	fail = false
	s.Restart()
	if _, err := s.Delete(t.Context(), []queue.Receipt{d[0].Receipt}); err != nil {
		t.Fatal(err)
	}
	d, err = s.TryReceive(1, time.Minute)
	if err != nil || len(d) != 1 || d[0].Receives != 2 {
		t.Errorf("after the restart: %+v, %v", d, err)
	}
	if none, err := s.TryReceive(1, time.Minute); err != nil || len(none) != 0 {
		t.Errorf("nothing is visible: %+v, %v", none, err)
	}
}

// TestWaiting: a Receive wakes at the very moment at which a delay or a visibility ends.
func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.Open(memory.Config{})
		ctx := context.Background()
		start := time.Now()
		c := enginetest.Accept(start, "shop", "k1", "")
		c.Messages[0].Delay = 7 * time.Minute
		if err := s.Commit(ctx, c); err != nil {
			t.Fatal(err)
		}
		for n, at := range []time.Duration{7 * time.Minute, 17 * time.Minute, 27 * time.Minute} {
			d, err := s.Receive(ctx, 1, 10*time.Minute)
			if err != nil || len(d) != 1 || d[0].Receives != n+1 {
				t.Fatalf("delivery %d: %+v, %v", n, d, err)
			}
			if got := time.Since(start); got != at {
				t.Errorf("delivery %d comes after %s, want %s", n, got, at)
			}
		}
		limited, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if _, err := s.Receive(limited, 1, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a limited wait: %v", err)
		}
		go func() {
			time.Sleep(30 * time.Second) // of the bubble's clock
			_ = s.Close()
		}()
		if _, err := s.Receive(ctx, 1, time.Minute); !errors.Is(err, queue.ErrClosed) {
			t.Errorf("a wait that the end of the store ends: %v", err)
		}
	})
}

func TestGate(t *testing.T) {
	want := idempotency.Window{From: 1, To: 2}
	s := memory.Open(memory.Config{Gate: &want})
	if got, err := s.Gate(t.Context()); err != nil || got == nil || *got != want {
		t.Errorf("gate %v, %v", got, err)
	}
	if err := s.CloseGate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Gate(t.Context()); err != nil || got != nil {
		t.Errorf("closed gate %v, %v", got, err)
	}
}
