package sqs_test

import (
	"context"
	"testing"
	"time"

	"github.com/payonce/payonce/engine/aws/sqs"
	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/engine/memory"
	"github.com/payonce/payonce/idempotency"
)

// paired is a ledger whose messages go to a queue of SQS: the order of an engine that commits in two places.
type paired struct {
	*memory.Store
	queue *sqs.Queue
}

func (p *paired) Commit(ctx context.Context, c idempotency.Change) error {
	messages := c.Messages
	c.Messages = nil
	if err := p.Store.Commit(ctx, c); err != nil {
		return err
	}
	tenant := ""
	if c.Record != nil {
		tenant = c.Record.Tenant
	}
	return p.queue.Send(ctx, messages, tenant)
}

func (p *paired) AtomicAccept() bool { return false }

// pair opens a queue and the ledger that sends to it.
func pair(t *testing.T, clock *enginetest.Clock, c sqs.Config) *enginetest.Engine {
	t.Helper()
	c.Now = clock.Now
	c.DepthAge = -1 // its age would be of a clock that stands
	c.Unreadable = func(_ context.Context, body, id string) error {
		t.Errorf("message %s cannot be read: %q", id, body)
		return nil
	}
	q, err := sqs.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	s := memory.Open(memory.Config{Clock: clock.Now, Split: true})
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &enginetest.Engine{Ledger: &paired{s, q}, Queue: q}
}

// TestConformance runs the suite against the fake, whose clock can be moved.
func TestConformance(t *testing.T) {
	enginetest.RunQueue(t, func(t *testing.T, clock *enginetest.Clock) *enginetest.Engine {
		f := newFake(clock.Now)
		clock.OnMove(f.poke)
		e := pair(t, clock, sqs.Config{API: f, Queue: "work", Pause: time.Second})
		e.ApproximateDepth = true // for Oldest, which only receives tell
		return e
	})
}
