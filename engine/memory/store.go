// Package memory is the engine for tests and simulations: a ledger and a queue in one process's memory.
//
// It is deterministic: it starts no goroutine, draws no chance, takes its time from Config.Clock and hands messages out
// in the order in which they became visible. What it promises is what the conformance suite in engine/enginetest asks
// of every engine, but for one thing: it forgets everything when the process ends.
package memory

import (
	"context"
	"sort"
	"sync"
	"time"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// Config of a Store. The zero value is a store that works by the wall clock and never fails.
type Config struct {
	// Clock tells the time. Default time.Now.
	Clock func() time.Time
	// Split commits a Change in the order that engines without one transaction over everything use: record, then
	// messages, then outcome. AtomicAccept is false then, and a failure in between leaves what came before.
	Split bool
	// Fail is asked before each effect; an error makes the operation fail there. The steps: "record",
	// "message", "outcome" (Split), "commit" (not Split), "answer" (everything is done, the caller is not told),
	// "load", "receive", "release", "delete", "due". Nil: never.
	Fail func(step string) error
}

// Store is an engine in memory. Safe for concurrent use.
type Store struct {
	c Config

	mu       sync.Mutex
	records  map[events.ID]*idempotency.Record
	order    []events.ID // of first commit
	holders  map[string]events.ID
	outcomes []events.Outcome
	letters  []idempotency.Letter
	queue    messages
	appended chan struct{} // closed when an outcome is appended
}

// New returns an empty Store.
func New(c Config) *Store {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return &Store{
		c: c, records: map[events.ID]*idempotency.Record{}, holders: map[string]events.ID{},
		queue: newMessages(), appended: make(chan struct{}),
	}
}

func (s *Store) fail(step string) error {
	if s.c.Fail == nil {
		return nil
	}
	return s.c.Fail(step)
}

// AtomicAccept implements idempotency.Ledger.
func (s *Store) AtomicAccept() bool { return !s.c.Split }

// Load implements idempotency.Ledger.
func (s *Store) Load(ctx context.Context, id events.ID) (idempotency.Record, error) {
	if err := ctx.Err(); err != nil {
		return idempotency.Record{}, err
	}
	if err := s.fail("load"); err != nil {
		return idempotency.Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[id]
	if !ok {
		return idempotency.Record{}, idempotency.ErrNotFound
	}
	return copyOf(*r), nil
}

// Commit implements idempotency.Ledger.
func (s *Store) Commit(ctx context.Context, c idempotency.Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Record != nil {
		if err := s.refusal(c); err != nil {
			return err
		}
	}
	step := func(string) error { return nil } // one commit: it fails as a whole or not at all
	if s.c.Split {
		step = s.fail
	} else if err := s.fail("commit"); err != nil {
		return err
	}
	if c.Record != nil {
		if err := step("record"); err != nil {
			return err
		}
		s.put(c)
	}
	if c.Letter != nil {
		s.letters = append(s.letters, *c.Letter)
	}
	for _, m := range c.Messages {
		if err := step("message"); err != nil {
			return err
		}
		s.queue.send(m, s.c.Clock())
	}
	if c.Outcome != nil {
		if err := step("outcome"); err != nil {
			return err
		}
		s.append(c)
	}
	return s.fail("answer")
}

// refusal checks a Change against what is stored. An existing record answers first (rule 2).
func (s *Store) refusal(c idempotency.Change) error {
	now := idempotency.Record{}
	if r := s.records[c.Record.ID]; r != nil {
		now = *r
	}
	if now.Version != c.Expect {
		return &idempotency.StaleError{Current: copyOf(now)}
	}
	if !c.Record.Holds || c.Record.Reference == "" {
		return nil
	}
	if id, taken := s.holders[purchase(c.Record)]; taken && id != c.Record.ID {
		return &idempotency.HeldError{Holder: copyOf(*s.records[id])}
	}
	return nil
}

func (s *Store) put(c idempotency.Change) {
	r := copyOf(*c.Record)
	if s.c.Split && c.Outcome != nil && r.State.Final() {
		// Not published until the outcome is durable; the janitor finds it should that never happen.
		r.Published, r.Due = false, r.Updated.Add(time.Minute)
	}
	old := s.records[r.ID]
	if old == nil {
		s.order = append(s.order, r.ID)
	} else {
		if !c.WriteRequest {
			r.Request = old.Request
		}
		if !c.Freeze {
			r.Frozen = old.Frozen
		}
	}
	s.records[r.ID] = &r
	if r.Reference == "" {
		return
	}
	if r.Holds {
		s.holders[purchase(&r)] = r.ID
	} else if s.holders[purchase(&r)] == r.ID {
		delete(s.holders, purchase(&r))
	}
}

func (s *Store) append(c idempotency.Change) {
	s.outcomes = append(s.outcomes, *c.Outcome)
	if r := s.records[c.Outcome.Payment]; s.c.Split && c.Record != nil && r != nil && r.State.Final() {
		r.Published, r.Due = c.Record.Published, c.Record.Due
	}
	close(s.appended)
	s.appended = make(chan struct{})
}

func purchase(r *idempotency.Record) string { return events.ReferenceToken(r.Tenant, r.Reference) }

// Due implements idempotency.Ledger.
func (s *Store) Due(ctx context.Context, now idempotency.Instant, limit int) ([]events.ID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.fail("due"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []events.ID
	for _, id := range s.order {
		if r := s.records[id]; r.Due != 0 && r.Due <= now {
			due = append(due, id)
		}
	}
	sort.SliceStable(due, func(i, j int) bool { return s.records[due[i]].Due < s.records[due[j]].Due })
	return due[:min(len(due), limit)], nil
}

// All gives every record in the order of first commit.
func (s *Store) All() []idempotency.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]idempotency.Record, 0, len(s.order))
	for _, id := range s.order {
		all = append(all, copyOf(*s.records[id]))
	}
	return all
}

// Outcomes gives every outcome in the order of its commit.
func (s *Store) Outcomes() []events.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]events.Outcome(nil), s.outcomes...)
}

// AllLetters gives every letter that was opened or resolved, in order.
func (s *Store) AllLetters() []idempotency.Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]idempotency.Letter(nil), s.letters...)
}

// copyOf shares no memory with r that anyone writes to: attempts and history are appended to, the rest is replaced.
func copyOf(r idempotency.Record) idempotency.Record {
	r.Attempts = append([]idempotency.Attempt(nil), r.Attempts...)
	r.History = append([]idempotency.Note(nil), r.History...)
	return r
}
