package dynamo

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

func testPublished(t *testing.T, l *Ledger) {
	t.Helper()
	r := mustWrite(t, l, enginetest.Accept(now, "shop", "k1", "order-1"))
	if err := l.MarkPublished(t.Context(), r); !errors.Is(err, ErrChange) {
		t.Errorf("a record that is not final: %v", err)
	}
	c := enginetest.Settle(now, r, idempotency.Succeeded)
	if err := l.Commit(t.Context(), c); !errors.Is(err, ErrParts) {
		t.Errorf("a commit with an outcome: %v", err)
	}
	c.Record.Published, c.Record.Due = false, 5
	first := mustWrite(t, l, c)
	for range 2 {
		if err := l.MarkPublished(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		want := first
		want.Published, want.Due = true, 0
		if got, err := l.Load(t.Context(), r.ID); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("loaded %+v, %v", got, err)
		}
	}
	later := mustWrite(t, l, enginetest.Step(now, first, idempotency.Succeeded, nil)) // another has published
	if err := l.MarkPublished(t.Context(), first); err != nil {
		t.Error(err)
	}
	if got, err := l.Load(t.Context(), r.ID); err != nil || !reflect.DeepEqual(got, later) {
		t.Errorf("a later version was overwritten: %+v, %v", got, err)
	}
}

func TestPublished(t *testing.T) { testPublished(t, quick(newFake(), "t")) }

func TestCanceled(t *testing.T) {
	l := quick(newFake(), "t")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, loaded := l.Load(ctx, events.ID{1})
	_, due := l.Due(ctx, 1, 1)
	_, boot := l.Boot(ctx, bytes.NewReader(make([]byte, 48)), 1)
	for name, err := range map[string]error{
		"write": l.Write(ctx, enginetest.Accept(now, "shop", "k1", "")), "load": loaded, "due": due, "boot": boot,
		"key": l.PutKey(ctx, access.Key{}), "revoke": l.RevokeKey(ctx, "key_1", time.Time{}),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
