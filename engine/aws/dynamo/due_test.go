package dynamo

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// parked commits n records that are due, the first the latest, and gives their ids, the oldest first.
func parked(t *testing.T, l *Ledger, n int) (ids []events.ID) {
	t.Helper()
	for i := range n {
		r := mustWrite(t, l, enginetest.Accept(now, "shop", fmt.Sprint("k", i), ""))
		mustWrite(t, l, enginetest.Step(now, r, idempotency.RetryScheduled, func(r *idempotency.Record) {
			r.Due = idempotency.Instant(1000 - i)
		}))
		ids = append(ids, r.ID)
	}
	slices.Reverse(ids)
	return ids
}

// TestDuePages: the shards are merged, and each is read to its end.
func TestDuePages(t *testing.T) {
	f := newFake()
	f.page = 3
	var log bytes.Buffer
	l := New(Config{Client: f, Table: "t", Logger: slog.New(slog.NewTextHandler(&log, nil))})
	want := parked(t, l, 100)
	f.items["stray"] = item{attrPK: binary([]byte("stray")), attrShard: number(3), attrDue: number(1)}
	for _, limit := range []int{0, 1, 7, 100, 1000} {
		got, err := l.Due(t.Context(), 1000, limit)
		if n := min(limit, 100); err != nil || !slices.Equal(got, want[:n]) {
			t.Errorf("limit %d: %d ids, %v", limit, len(got), err)
		}
	}
	if got, err := l.Due(t.Context(), 950, 1000); err != nil || !slices.Equal(got, want[:50]) {
		t.Errorf("half of the time: %d ids, %v", len(got), err)
	}
	if !strings.Contains(log.String(), "foreign entry") {
		t.Errorf("nobody hears of the stray item: %q", log.String())
	}
	f.before = nth("query", 5, &types.ResourceNotFoundException{})
	if _, err := l.Due(t.Context(), 1000, 10); !errors.Is(err, ErrNoTable) {
		t.Errorf("one shard fails: %v", err)
	}
}
