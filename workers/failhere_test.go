package workers_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/payonce/payonce/accept"
	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/engine/memory"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/gateway"
	"github.com/payonce/payonce/gateway/sandbox"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
	"github.com/payonce/payonce/workers"
)

// engine is what a payment needs of a store.
type engine interface {
	idempotency.Ledger
	queue.Consumer
}

// stage is one installation that can be failed at its k-th effect and restarted. Nothing sleeps: the clock is set.
type stage struct {
	t      *testing.T
	now    time.Time
	engine engine
	reopen func(*stage) engine
	poke   func(engine)
	stripe *sandbox.Stripe
	pay    *gateway.Stripe
	one    bool
	boots  int
	dir    string // of the embedded engine
	wire   func(*http.Request) sandbox.Fault
	gate   *idempotency.Window // open after a restore

	count, at int // effects so far, and which one fails
	kind      failure
	fired     bool
	dead      bool // the process is to be thought dead: it has no further effect
}

// failure is what happens at the chosen effect.
type failure string

const (
	dieBefore  failure = "the process dies before it"
	dieAfter   failure = "the process dies right after it"
	lostAnswer failure = "Stripe's answer is lost"
	resetCall  failure = "the connection is reset"
	late       failure = "the request takes effect an hour later"
	error500   failure = "500, charged"
	error500no failure = "500, not charged"
	busy       failure = "429"
	storeError failure = "the store fails"
)

var errDead = errors.New("the process is dead")

// effect counts one effect. It reports whether it happens, and an error to return after it did.
func (s *stage) effect(stripe bool) (before, after error) {
	if s.dead {
		return errDead, nil
	}
	here := s.count == s.at
	s.count++
	if !here {
		return nil, nil
	}
	switch s.kind {
	case dieBefore:
		s.fired, s.dead = true, true
		return errDead, nil
	case dieAfter:
		s.fired, s.dead = true, true
		return nil, errDead
	case storeError:
		s.fired = !stripe
		if stripe {
			return nil, nil
		}
		return errors.New("disk trouble"), nil
	}
	s.fired = stripe
	return nil, nil
}

// transport sets what goes wrong on the wire from now on, beside the chosen effect.
func (s *stage) transport(fault func(*http.Request) sandbox.Fault) { s.wire = fault }

// fault is the same for requests to Stripe.
func (s *stage) fault(r *http.Request) sandbox.Fault {
	if s.wire != nil {
		return s.wire(r)
	}
	count := s.count
	before, after := s.effect(true)
	switch {
	case before != nil:
		return sandbox.Fault{Kind: sandbox.Reset}
	case after != nil:
		return sandbox.Fault{Kind: sandbox.LostAnswer}
	case count != s.at:
		return sandbox.Fault{}
	}
	return map[failure]sandbox.Fault{
		lostAnswer: {Kind: sandbox.LostAnswer}, resetCall: {Kind: sandbox.Reset},
		late:     {Kind: sandbox.LateEffect, Delay: 10 * time.Minute},
		error500: {Kind: sandbox.Error500Effect}, error500no: {Kind: sandbox.Error500NoEffect},
		busy: {Kind: sandbox.RateLimit},
	}[s.kind]
}

// Commit and Delete are the effects of the store; reads have none.
func (s *stage) Commit(ctx context.Context, c idempotency.Change) error {
	before, after := s.effect(false)
	if before != nil {
		return before
	}
	return errors.Join(s.engine.Commit(ctx, c), after)
}

func (s *stage) Load(ctx context.Context, id events.ID) (idempotency.Record, error) {
	return s.engine.Load(ctx, id)
}

func (s *stage) Due(ctx context.Context, now idempotency.Instant, n int) ([]events.ID, error) {
	return s.engine.Due(ctx, now, n)
}
func (s *stage) AtomicAccept() bool { return s.engine.AtomicAccept() }
func (s *stage) Receive(ctx context.Context, n int, v time.Duration) ([]queue.Delivery, error) {
	return s.engine.Receive(ctx, n, v)
}

func (s *stage) Extend(ctx context.Context, r []queue.Receipt, v time.Duration) ([]error, error) {
	return s.engine.Extend(ctx, r, v)
}

func (s *stage) Release(ctx context.Context, r queue.Receipt, d time.Duration) error {
	before, after := s.effect(false)
	if before != nil {
		return before
	}
	return errors.Join(s.engine.Release(ctx, r, d), after)
}

func (s *stage) Delete(ctx context.Context, r []queue.Receipt) ([]error, error) {
	before, after := s.effect(false)
	if before != nil {
		return nil, before
	}
	errs, err := s.engine.Delete(ctx, r)
	return errs, errors.Join(err, after)
}
func (s *stage) Depth(ctx context.Context) (queue.Depth, error) { return s.engine.Depth(ctx) }

var installation = uuid.MustParse("6f1f3a52-57d1-4d1c-9a3c-6d3f6a2f0c11")

// newStage opens an installation that charges in one step or two.
func newStage(t *testing.T, open func(*stage) engine, one bool) *stage {
	t.Helper()
	s := &stage{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), reopen: open, one: one, at: -1}
	var err error
	if s.stripe, err = sandbox.New(sandbox.Options{}); err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return s.now }
	s.pay, err = gateway.New(gateway.Config{
		APIKey: gateway.NewSecret("sk_test_stage"), BaseURL: "http://127.0.0.1:1", Installation: installation, Now: clock,
		Transport: &sandbox.Transport{Stripe: s.stripe, Clock: clock, Fault: s.fault},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pay.Close)
	s.boot()
	return s
}

// boot starts a process on the store.
func (s *stage) boot() {
	s.boots++
	s.engine = s.reopen(s)
	s.dead = false
}

func (s *stage) pass(d time.Duration) {
	s.now = s.now.Add(d)
	s.stripe.Tick(s.now)
	if s.poke != nil {
		s.poke(s.engine)
	}
}

func (s *stage) desk() *accept.Desk {
	d, err := accept.New(accept.Config{
		Ledger: s, Clock: func() time.Time { return s.now }, Installation: installation, Secret: []byte("sixteen bytes or more"),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

// submit repeats until it is answered, as an app does that hears a 5xx or nothing.
func (s *stage) submit(key, body string) events.ID {
	s.t.Helper()
	k, err := events.ParseKey([]string{key})
	if err != nil {
		s.t.Fatal(err)
	}
	for range 5 {
		res, err := s.desk().Submit(context.Background(), "shop", k, []byte(body), "")
		if err == nil {
			return res.Record.ID
		}
		if !errors.As(err, new(*accept.UndecidedError)) {
			s.t.Fatalf("submit: %v", err)
		}
		if s.dead {
			s.boot()
		}
	}
	s.t.Fatal("submit was never answered")
	return events.ID{}
}

// work lets the process do all that can be done now. A process that died is restarted by the caller.
func (s *stage) work() {
	ctx := context.Background()
	policy := idempotency.DefaultPolicy()
	policy.OneStep = s.one
	boot := fmt.Sprintf("b%d", s.boots)
	desk := workers.Desk{
		Ledger: s, Queue: s, Stripe: s.pay, Now: func() time.Time { return s.now }, CallTimeout: 30 * time.Second, PoisonAfter: 100,
		Logger: slog.New(slog.DiscardHandler),
		Receive: func(context.Context, idempotency.Record) (idempotency.Receive, error) {
			return idempotency.Receive{
				Worker: boot + "/w", Boot: boot, Policy: policy, Encoder: s.pay.Forms(), Jitter: 0.5, Gate: s.gate,
			}, nil
		},
	}
	for {
		depth, err := s.Depth(ctx)
		if err != nil {
			s.t.Fatal(err)
		}
		if depth.Visible == 0 {
			return
		}
		got, err := s.engine.Receive(ctx, 1, time.Minute)
		if err != nil {
			s.t.Fatal(err)
		}
		task := workers.NewTask(&desk, got[0])
		for !s.dead && !task.Step(ctx) {
		}
		if s.dead {
			return
		}
	}
}

// settle works, restarts and lets time pass until the payment is final.
func (s *stage) settle(id events.ID) idempotency.Record {
	s.t.Helper()
	janitor := workers.Janitor{Ledger: s, Now: func() time.Time { return s.now }, Logger: slog.New(slog.DiscardHandler)}
	for range 700 {
		s.work()
		if s.dead {
			s.boot()
		}
		r, err := s.engine.Load(context.Background(), id)
		if err != nil {
			s.t.Fatal(err)
		}
		if d, err := s.Depth(context.Background()); err == nil && r.State.Final() && r.Published && d.Waiting() == 0 {
			return r
		}
		if s.now.Sub(r.Created.Time()) > 48*time.Hour && r.Attention != nil {
			return r // nothing more comes by itself, and an operator sees it
		}
		s.pass(5 * time.Minute)
		if _, err := janitor.Round(context.Background(), 200); err != nil && !s.dead {
			s.t.Logf("janitor: %v", err)
		}
		if s.dead {
			s.boot()
		}
	}
	r, _ := s.engine.Load(context.Background(), id)
	s.t.Fatalf("never settled: %s %+v", r.State, r.History)
	return r
}

func memoryEngine(split bool) func(*stage) engine {
	return func(s *stage) engine {
		if s.engine != nil {
			// The process died and its store lives on, as a queue and a table of a cloud do. Its deliveries come
			// back when their visibility ends.
			s.now = s.now.Add(2 * time.Minute)
			return s.engine
		}
		return memory.Open(memory.Config{Clock: func() time.Time { return s.now }, Split: split})
	}
}

func embeddedEngine(s *stage) engine {
	if s.dir == "" {
		s.dir = s.t.TempDir()
	}
	if old, ok := s.engine.(*embedded.Store); ok {
		if err := old.Close(); err != nil {
			s.t.Fatal(err)
		}
	}
	store, err := embedded.Open(context.Background(), embedded.Config{Dir: s.dir, Clock: func() time.Time { return s.now }})
	if err != nil {
		s.t.Fatal(err)
	}
	s.poke = func(e engine) { e.(*embedded.Store).Poke() }
	s.t.Cleanup(func() { _ = store.Close() }) // a second Close is a no-op
	return store
}

func body(method string) string {
	return fmt.Sprintf(`{"amount":1250,"currency":"eur","payment_method":%q,"reference":"order-7"}`, method)
}

// TestFailHere fails effect 0 of a payment, restarts, and holds the promise; then effect 1, 2, 3, until a run passes
// untouched. Effects are every commit, release, delete and request to Stripe.
func TestFailHere(t *testing.T) {
	engines := map[string]func(*stage) engine{
		"memory": memoryEngine(false), "split": memoryEngine(true), "embedded": embeddedEngine,
	}
	plays := []struct {
		method  string
		state   idempotency.State
		charges int
	}{
		{"pm_card_visa", idempotency.Succeeded, 1},
		{"pm_card_chargeDeclined", idempotency.Failed, 0},
		{"pm_sandbox_declines_2_processing_error", idempotency.Succeeded, 1},
	}
	kinds := []failure{dieBefore, dieAfter, storeError, lostAnswer, resetCall, late, error500, error500no, busy}
	for name, open := range engines {
		for _, one := range []bool{false, true} {
			for _, play := range plays {
				for _, kind := range kinds {
					t.Run(fmt.Sprintf("%s/one_step=%t/%s/%s", name, one, play.method, kind), func(t *testing.T) {
						t.Parallel()
						untouched := false
						for k := 0; !untouched; k++ {
							if k > 60 {
								t.Fatal("the effects do not come to an end")
							}
							s := newStage(t, open, one)
							s.kind, s.at = kind, k
							id := s.submit("key-7", body(play.method))
							r := s.settle(id)
							// A redelivered, settled message and a repeated submit change nothing.
							s.submit("key-7", body(play.method))
							s.pass(48 * time.Hour)
							s.work()
							stats := s.stripe.Stats(s.now)
							state, charges := play.state, play.charges
							if one && kind == error500no && r.State == idempotency.Unknown {
								// A stored 500 in one step, and nothing at Stripe: that never proves anything. It is
								// charged at most once, by Stripe rolling forward, and an operator sees it.
								state, charges = idempotency.Unknown, 0
							}
							if stats.Charges != charges || r.State != state {
								t.Fatalf("%s at effect %d: %d charges, %s: %+v", kind, k, stats.Charges, r.State, r.History)
							}
							if err := r.VerifyHistory(); err != nil {
								t.Fatal(err)
							}
							untouched = !s.fired && s.count <= k
						}
					})
				}
			}
		}
	}
}
