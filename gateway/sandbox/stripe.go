package sandbox

import (
	"container/heap"
	"errors"
	"fmt"
	"time"
)

// APIVersion is the version of Stripe's API whose behaviour and shapes the sandbox has.
const APIVersion = "2023-10-16"

// Defaults of [Options].
const (
	DefaultSearchLag   = time.Minute
	DefaultKeyLife     = 24 * time.Hour
	DefaultSettleAfter = time.Minute
)

// Options of the core. The zero value is ready to use.
type Options struct {
	// Seed of the ids that are drawn. The same seed and the same calls give the same ids. Default 0.
	Seed uint64
	// SearchLag is how long after its creation a PaymentIntent is missing from search. Default 60 s; negative: none.
	SearchLag time.Duration
	// KeyLife is the age at which idempotency keys are forgotten. Default 24 h.
	KeyLife time.Duration
	// SettleAfter is how long a payment method that settles by itself stays in processing. Default 60 s.
	SettleAfter time.Duration
	// Faults that are injected from the start. Default none.
	Faults Plan
}

func (o Options) withDefaults() Options {
	if o.SearchLag == 0 {
		o.SearchLag = DefaultSearchLag
	}
	if o.KeyLife <= 0 {
		o.KeyLife = DefaultKeyLife
	}
	if o.SettleAfter <= 0 {
		o.SettleAfter = DefaultSettleAfter
	}
	return o
}

// Stripe is the sandbox's core: Stripe's PaymentIntents in memory, without I/O, clock or chance. Time, faults and the seed
// come in as arguments, so one goroutine can simulate with it and get the same run from the same seed.
//
// Time never runs backwards: a call with an earlier now than one before it is taken to come at that later time.
// Not safe for concurrent use; [Sandbox] and [Transport] are.
type Stripe struct {
	opt Options

	// Kept: what the entries of a journal build.
	intents  map[string]*intent
	lists    map[string][]string // account: ids by creation
	keys     map[keyHash]*kept
	keyAge   []*kept // oldest first
	dues     map[uint64]*due
	agenda   agenda
	ledger   ledger
	byStatus map[Status]int
	faults   map[Kind]uint64
	plan     *Plan
	seed     uint64
	seq      uint64 // ids drawn
	offset   int64  // ms that the clock has been advanced
	last     int64  // ms, the latest time seen

	// Not kept.
	record    func(*entry) uint64 // writes an entry to the journal and gives its position
	pos       uint64              // of the last entry
	inFlight  map[keyHash]struct{}
	requests  map[endpoint]uint64
	replayed  uint64
	conflicts uint64
	calls     uint64 // numbers the requests: their ids and their dice
}

// New makes an empty core. It fails only on a bad fault plan, with an error that wraps [ErrPlan].
func New(o Options) (*Stripe, error) {
	if err := o.Faults.Validate(); err != nil {
		return nil, err
	}
	return &Stripe{
		opt:      o.withDefaults(),
		intents:  map[string]*intent{},
		lists:    map[string][]string{},
		keys:     map[keyHash]*kept{},
		dues:     map[uint64]*due{},
		ledger:   newLedger(),
		byStatus: map[Status]int{},
		faults:   map[Kind]uint64{},
		plan:     o.Faults.fresh(),
		seed:     o.Seed,
		inFlight: map[keyHash]struct{}{},
		requests: map[endpoint]uint64{},
	}, nil
}

// Handle takes one request from its arrival to its answer. A fault that is given goes before the plan. Delays are not
// waited for: Latency and DelayedAnswer are only noted in the response.
func (s *Stripe) Handle(r Request, now time.Time, f Fault) Response {
	resp, p := s.admit(prepare(&r), now, f)
	if p != nil {
		resp = s.finish(p, now)
	}
	resp.render()
	return resp
}

// Begin takes a request up to the point where it would execute. Either it is answered, and Pending is nil; or it is
// pending, holds its idempotency key (another request under it gets a 409), and goes on with [Stripe.Finish], which a
// driver calls after [Pending.Delay].
func (s *Stripe) Begin(r Request, now time.Time, f Fault) (Response, *Pending) {
	resp, p := s.admit(prepare(&r), now, f)
	if p == nil {
		resp.render()
	}
	return resp, p
}

// Finish executes a request that [Stripe.Begin] left pending. Each pending request must be finished once.
func (s *Stripe) Finish(p *Pending, now time.Time) Response {
	resp := s.finish(p, now)
	resp.render()
	return resp
}

// Tick moves the clock: what is due by now happens.
func (s *Stripe) Tick(now time.Time) { s.tick(now) }

// NextDue is the earliest time, on the caller's clock, at which [Stripe.Tick] would do something.
func (s *Stripe) NextDue() (at time.Time, ok bool) {
	d := s.nextDue()
	if d == nil {
		return time.Time{}, false
	}
	return time.UnixMilli(d.At - s.offset), true
}

// tick gives the time on the sandbox's clock, in ms, after everything due by then has happened.
func (s *Stripe) tick(now time.Time) int64 {
	t := max(now.UnixMilli()+s.offset, s.last)
	for d := s.nextDue(); d != nil && d.At <= t; d = s.nextDue() {
		s.carryOut(d)
	}
	s.last = t
	s.pruneKeys(t)
	return t
}

// nextDue is the first item that is not carried out yet. Items that are done are dropped from the front on the way.
func (s *Stripe) nextDue() *due {
	for len(s.agenda) > 0 {
		if d := s.agenda[0]; s.dues[d.N] == d {
			return d
		}
		heap.Pop(&s.agenda)
	}
	return nil
}

// Advance moves the sandbox's clock forward for good. What becomes due happens.
// Errors: a negative d is refused.
func (s *Stripe) Advance(d time.Duration, now time.Time) error {
	if d < 0 {
		return errors.New("sandbox: the clock cannot be moved back")
	}
	t := s.tick(now)
	offset := s.offset + d.Milliseconds()
	s.commit(&entry{At: t, Offset: &offset})
	s.tick(now)
	return nil
}

// Forget drops all idempotency keys, as Stripe may once they are 24 hours old.
func (s *Stripe) Forget(now time.Time) { s.commit(&entry{At: s.tick(now), Forget: true}) }

// SetFaults replaces the fault plan; the counters of its rules start at zero. An empty plan stops all faults.
// Errors: one that wraps [ErrPlan]; then the old plan stays.
func (s *Stripe) SetFaults(p Plan, now time.Time) error {
	if err := p.Validate(); err != nil {
		return err
	}
	s.commit(&entry{At: s.tick(now), Plan: p.fresh()})
	return nil
}

// Faults is the plan in force, with its counters.
func (s *Stripe) Faults() Plan {
	return Plan{Seed: s.plan.Seed, Rules: append([]Rule{}, s.plan.Rules...)}
}

// Errors of [Stripe.CompleteAction] and [Stripe.Settle].
var (
	ErrNoIntent = errors.New("sandbox: no such payment intent")
	ErrState    = errors.New("sandbox: the payment intent is in another state")
)

// CompleteAction plays the customer of an intent in requires_action: the authentication passes or fails.
// Errors: [ErrNoIntent], [ErrState].
func (s *Stripe) CompleteAction(id string, passed bool, now time.Time) error {
	return s.resolve(id, RequiresAction, now, func(d *draft) { d.completeAction(passed) })
}

// Settle ends an intent in processing: paid or refused. Errors: [ErrNoIntent], [ErrState].
func (s *Stripe) Settle(id string, paid bool, now time.Time) error {
	return s.resolve(id, Processing, now, func(d *draft) { d.settle(paid) })
}

func (s *Stripe) resolve(id string, want Status, now time.Time, step func(*draft)) error {
	t := s.tick(now)
	pi := s.intents[id]
	if pi == nil {
		return ErrNoIntent
	}
	if pi.Status != want {
		return fmt.Errorf("%w: %s", ErrState, pi.Status)
	}
	d := s.draftOf(pi, moment{begun: t, now: t})
	step(d)
	s.commit(d.entry(t))
	return nil
}

// Stats counts. now moves the clock first, so that what is due is counted.
func (s *Stripe) Stats(now time.Time) Stats {
	t := s.tick(now)
	out := Stats{
		Charges:      len(s.ledger.paid),
		PerPayment:   s.ledger.byPayment.counts(),
		PerReference: s.ledger.byReference.counts(),
		Unattributed: s.ledger.unattributed,
		Sums:         map[string]int64{},
		Intents:      map[Status]int{},
		Requests:     map[string]uint64{},
		Replayed:     s.replayed,
		Conflicts:    s.conflicts,
		Faults:       map[Kind]uint64{},
		Keys:         len(s.keys),
		Pending:      len(s.dues),
		ClockMS:      t,
	}
	for currency, sum := range s.ledger.sums {
		out.Sums[currency] = sum
	}
	for _, st := range statuses {
		out.Intents[st] = s.byStatus[st]
	}
	for ep, n := range s.requests {
		out.Requests[ep.String()] = n
	}
	for kind, n := range s.faults {
		out.Faults[kind] = n
	}
	return out
}

// Charges gives successful charges in the order of payment, from the one after number after (0: from the first), at most
// limit of them.
func (s *Stripe) Charges(after, limit int) []Charge { return s.ledger.charges(after, limit) }
