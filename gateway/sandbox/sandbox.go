package sandbox

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Config of a [Sandbox]. The zero value is a sandbox in memory.
type Config struct {
	// Path of the journal file, created if it is missing (mode 0600). "": nothing is kept.
	Path string
	// Clock gives the time. Default time.Now. POST /_sandbox/clock adds to it.
	Clock func() time.Time
	// Seed of the ids. Default: drawn at random; a journal keeps the seed that it began with.
	Seed uint64
	// Faults from the start. Without rules a journal's own plan stays in force.
	Faults Plan
	// SearchLag, KeyLife, SettleAfter: see [Options]. Defaults 60 s, 24 h, 60 s.
	SearchLag   time.Duration
	KeyLife     time.Duration
	SettleAfter time.Duration
}

// Sandbox is a [Stripe] with a clock, a journal and an HTTP handler. Safe for concurrent use.
type Sandbox struct {
	clock   func() time.Time
	journal *journal // nil: in memory
	handler http.Handler
	closing chan struct{}
	close   sync.Once
	closed  error

	mu   sync.Mutex // guards core; never held over I/O or a wait
	core *Stripe
}

// Open reads the journal, if there is one, and readies the sandbox.
//
// Errors: wrapping [ErrPlan], [ErrCorrupt], [ErrNotJournal], [ErrLocked], or the file system's.
func Open(c Config) (*Sandbox, error) {
	core, err := New(Options{Seed: c.Seed, SearchLag: c.SearchLag, KeyLife: c.KeyLife, SettleAfter: c.SettleAfter})
	if err != nil {
		return nil, err
	}
	if err := c.Faults.Validate(); err != nil {
		return nil, err
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Seed == 0 {
		var b [8]byte
		if _, err := rand.Read(b[:]); err != nil {
			return nil, fmt.Errorf("sandbox: draw a seed: %w", err)
		}
		core.seed = binary.BigEndian.Uint64(b[:])
	}
	s := &Sandbox{clock: c.Clock, core: core, closing: make(chan struct{})}
	if c.Path != "" {
		entries := 0
		if s.journal, err = openJournal(c.Path, func(e *entry) { entries++; core.apply(e) }); err != nil {
			return nil, err
		}
		core.record = s.journal.append
		if entries == 0 {
			core.commit(&entry{At: c.Clock().UnixMilli(), Seed: &identity{Seed: core.seed}})
		}
	}
	if len(c.Faults.Rules) > 0 {
		core.commit(&entry{At: core.last, Plan: c.Faults.fresh()})
	}
	s.handler = s.routes()
	return s, nil
}

// Close stops delayed requests and answers, syncs the journal and closes it. Requests after it are answered 503.
// Calling it again gives the same result.
func (s *Sandbox) Close() error {
	s.close.Do(func() {
		close(s.closing)
		if s.journal != nil {
			s.closed = s.journal.close()
		}
	})
	return s.closed
}

// Handler serves Stripe's API and /_sandbox/. It listens nowhere itself; give it to an [http.Server].
func (s *Sandbox) Handler() http.Handler { return s.handler }

// Do runs f on the core, alone, and waits until what it did is durable. f must not keep the core.
func (s *Sandbox) Do(f func(core *Stripe, now time.Time)) error {
	pos := s.locked(f)
	return s.durable(pos)
}

// locked runs f under the lock and gives the journal's position after it.
func (s *Sandbox) locked(f func(core *Stripe, now time.Time)) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.core, s.clock())
	return s.core.pos
}

// durable waits for a journal position.
func (s *Sandbox) durable(pos uint64) error {
	if s.journal == nil {
		select {
		case <-s.closing:
			return ErrClosed
		default:
			return nil
		}
	}
	return s.journal.wait(pos)
}

// Stats is [Stripe.Stats] at this moment. Everything that it counts is durable.
func (s *Sandbox) Stats() (out Stats, err error) {
	err = s.Do(func(core *Stripe, now time.Time) { out = core.Stats(now) })
	return out, err
}
