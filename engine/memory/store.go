// Package memory is the engine without a disk: for tests and for simulation. It has no goroutine of its own, draws no
// chance and takes its time from a clock that is given to it, so the same calls in the same order give the same answers.
//
// It can play both kinds of engine: one that commits a Change as a whole, and one ([Config.Split]) that carries it out in
// the order that package idempotency documents and may fail in between.
package memory

import (
	"errors"
	"sync"
	"time"

	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
	"github.com/payonce/payonce/read"
)

var (
	_ idempotency.Ledger = (*Store)(nil)
	_ queue.Consumer     = (*Store)(nil)
	_ read.Reader        = (*Store)(nil)
	_ read.Waiter        = (*Store)(nil)
	_ read.Letters       = (*Store)(nil)
	_ access.Store       = (*Store)(nil)
)

// Errors of a Store.
var (
	// ErrLimit: a call is outside of the limits that package queue sets.
	ErrLimit = errors.New("outside of the limits of the queue")
	// ErrChange: a Change that no engine could carry out; a bug of the caller.
	ErrChange = errors.New("the change is malformed")
)

// The steps that Config.Fail is asked before, in their order.
const (
	StepCommit    = "commit"    // all of a Change, if not Split
	StepRecord    = "record"    // Split: the record and the holder of its reference
	StepMessage   = "message"   // Split: each message
	StepLetter    = "letter"    // Split
	StepOutcome   = "outcome"   // Split
	StepPublished = "published" // Split: the mark in the record that its outcome is durable
	StepAnswer    = "answer"    // everything is done, nobody has heard of it
	StepDelete    = "delete"    // each message that is deleted
)

// Config of a Store.
type Config struct {
	// Clock tells the time. Default time.Now. Under testing/synctest that is the bubble's clock. A clock that does not
	// run by itself needs Store.Poke after each change.
	Clock func() time.Time
	// Split carries a Change out step by step instead of as a whole; AtomicAccept is false then.
	Split bool
	// Fail, if set, is asked before each step. Its error ends the call there: what was done before stays.
	Fail func(step string) error
	// Gate is the window that the ledger may have forgotten; nil in normal work.
	Gate *idempotency.Window
}

// Store is a ledger with its work queue in memory. Safe for concurrent use.
type Store struct {
	config Config

	mu         sync.Mutex
	records    map[events.ID]*entry
	order      []*entry // as accepted
	holders    map[purchase]events.ID
	messages   []*message // in the order of sending
	lastMID    int
	deliveries int
	feed       []entryEvent
	letters    []read.Letter
	keys       []access.Key
	changed    chan struct{} // closed when a message may have become visible
	appended   chan struct{} // closed when the feed grows
	gate       *idempotency.Window
	closed     bool
}

type entry struct {
	number int
	record idempotency.Record
}

type entryEvent struct {
	tenant  string
	at      time.Time
	outcome events.Outcome
}

// purchase is what one payment at most may hold.
type purchase struct{ tenant, reference string }

// Open returns an empty Store.
func Open(c Config) *Store {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return &Store{
		config: c, gate: c.Gate, records: map[events.ID]*entry{}, holders: map[purchase]events.ID{},
		changed: make(chan struct{}), appended: make(chan struct{}),
	}
}

// Close ends the Receive calls that wait.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.signal()
	return nil
}

// Poke looks at the clock again. Only clocks that do not run by themselves need it.
func (s *Store) Poke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signal()
}

// Restart forgets what a process knows and keeps what is durable: every message that was not deleted is visible at
// once. It stands for a crash in simulations.
func (s *Store) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.config.Clock()
	for _, m := range s.messages {
		if m.inFlight && m.hiddenUntil.After(now) {
			m.hiddenUntil = now
		}
		m.delivery, m.inFlight = 0, false
	}
	s.signal()
}

func (s *Store) signal() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Store) fail(step string) error {
	if s.config.Fail == nil {
		return nil
	}
	return s.config.Fail(step)
}
