package embedded_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
	"github.com/payonce/payonce/read"
)

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

// TestCleanCloseClearsTheLog: what a stopped process leaves is one file, even with readers and a long log.
func TestCleanCloseClearsTheLog(t *testing.T) {
	dir := t.TempDir()
	s := open(t, embedded.Config{Dir: dir})
	for i := range 50 {
		accept(t, s, fmt.Sprint("k", i), "")
	}
	if _, err := s.List(t.Context(), read.Filter{Tenant: "shop", Limit: 5}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "payonce.db-wal")); err != nil || info.Size() == 0 {
		t.Fatalf("there is no log to clear: %v", err)
	}
	closeStore(t, s)
	if info, err := os.Stat(filepath.Join(dir, "payonce.db-wal")); err == nil && info.Size() > 0 {
		t.Fatalf("%d bytes of log are left", info.Size())
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
