package sqs

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payonce/payonce/events"
)

func FuzzDecode(f *testing.F) {
	f.Add(body{Operation: events.ID{1}, Trace: "00-a", EnqueuedMS: 1772366400000, Receives: 3}.encode())
	f.Add(`{"operation":"pay_01000000000000000000000000000000","receives":-1,"enqueued_ms":1e3,"new":{}}`)
	f.Add(`{"operation":"pay_01000000000000000000000000000000","trace":"\u0000\"\\"}`)
	f.Add(`{"operation":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		b, err := decode(text)
		if err != nil {
			if !errors.Is(err, errUnreadable) || b != (body{}) {
				t.Fatalf("%+v, %v", b, err)
			}
			return
		}
		again := b.encode()
		if len(again) > MaxBody {
			t.Errorf("%d bytes: %s", len(again), again)
		}
		if got, err := decode(again); err != nil || got != b {
			t.Errorf("%q became %+v, then %+v, %v", text, b, got, err)
		}
	})
}

// TestBatchBytes: a call carries up to 1 MiB, however few entries that are; what fits in no call is refused.
func TestBatchBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls [][]string
		b := newBatcher(&batcher[string]{
			run: func(_ context.Context, items []string) []error {
				calls = append(calls, items)
				return make([]error, len(items))
			},
			size: func(s string) int { return len(s) }, linger: time.Millisecond, lanes: 1,
			alone: func(int, int) bool { return false },
		})
		big := strings.Repeat("x", maxBatchBytes/2)
		entries, err := b.put(t.Context(), big, big, "y", "y", big, big)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if err := b.wait(t.Context(), e); err != nil {
				t.Error(err)
			}
		}
		if len(calls) != 3 || len(calls[0]) != 2 || len(calls[1]) != 3 || len(calls[2]) != 1 {
			t.Errorf("%d calls", len(calls))
		}
		if _, err := b.put(t.Context(), "z", strings.Repeat("x", maxBatchBytes+1)); !errors.Is(err, ErrLimit) {
			t.Errorf("an entry of more than 1 MiB: %v", err)
		}
		b.close()
		if len(calls) != 3 {
			t.Errorf("%d calls after a refusal", len(calls))
		}
	})
}
