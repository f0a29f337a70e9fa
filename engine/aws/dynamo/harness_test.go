package dynamo

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/engine/memory"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// composed is the ledger with a queue, a feed and lists from package memory, so that the whole suite can run: a Change
// is written here, then mirrored there, each record's in the order of its versions. The mirror holds no references.
type composed struct {
	*Ledger

	mirror *memory.Store
	mu     sync.Mutex
	moved  *sync.Cond
	at     map[events.ID]uint64
}

func compose(l *Ledger, mirror *memory.Store) *composed {
	c := &composed{Ledger: l, mirror: mirror, at: map[events.ID]uint64{}}
	c.moved = sync.NewCond(&c.mu)
	return c
}

func (s *composed) Commit(ctx context.Context, c idempotency.Change) error {
	if err := s.Write(ctx, c); err != nil {
		return err
	}
	if c.Record == nil {
		return s.mirror.Commit(context.WithoutCancel(ctx), c)
	}
	r := *c.Record
	r.Holds = false
	c.Record = &r
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.at[r.ID] != c.Expect {
		s.moved.Wait()
	}
	s.at[r.ID] = r.Version
	s.moved.Broadcast()
	return s.mirror.Commit(context.WithoutCancel(ctx), c)
}

// conformance is the factory of the suite over a client and a table of its own.
func conformance(open func(t *testing.T) *Ledger) enginetest.Factory {
	return func(t *testing.T, clock *enginetest.Clock) *enginetest.Engine {
		l := open(t)
		mirror := memory.Open(memory.Config{Clock: clock.Now})
		clock.OnMove(mirror.Poke)
		t.Cleanup(func() { _ = mirror.Close() })
		c := compose(l, mirror)
		e := &enginetest.Engine{Ledger: c, Queue: mirror, Reader: mirror, Letters: mirror, Keys: c}
		e.Reopen = func(*testing.T) *enginetest.Engine {
			mirror.Restart()
			again := compose(New(l.config), mirror)
			again.at = c.at
			return &enginetest.Engine{
				Ledger: again, Queue: mirror, Reader: mirror, Letters: mirror, Keys: again, Reopen: e.Reopen,
			}
		}
		return e
	}
}

// quick is a Ledger that hardly waits between tries.
func quick(client API, table string) *Ledger {
	return New(Config{Client: client, Table: table, FirstDelay: time.Microsecond, MaxDelay: 10 * time.Microsecond})
}

func TestConformanceFake(t *testing.T) {
	enginetest.Run(t, conformance(func(*testing.T) *Ledger { return quick(newFake(), "t") }))
}
