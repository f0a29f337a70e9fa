package workers_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/payonce/payonce/engine/memory"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/gateway"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
	"github.com/payonce/payonce/workers"
)

// stripe answers every create and confirm; wait runs before the answer to a confirm.
type stripe struct {
	wait  func(ctx context.Context) error
	calls atomic.Int64
}

func (f *stripe) Do(ctx context.Context, c idempotency.Call) idempotency.Answer {
	intent := &idempotency.Intent{
		ID: "pi_" + c.Payment.String(), Payment: c.Payment, Amount: c.Amount, Status: idempotency.IntentRequiresConfirmation,
	}
	if c.Kind == idempotency.CallConfirm {
		f.calls.Add(1)
		if f.wait != nil {
			if err := f.wait(ctx); err != nil {
				return idempotency.Answer{Class: idempotency.AnswerNone}
			}
		}
		intent.Status = idempotency.IntentSucceeded
	}
	return idempotency.Answer{Class: idempotency.AnswerIntent, Intent: intent}
}

func sleep(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// bench is a pool on an engine in memory, inside a synctest bubble.
type bench struct {
	t     *testing.T
	store *memory.Store
	pay   *stripe
	reg   *prometheus.Registry
	stop  context.CancelFunc
	end   chan error
	conf  workers.Config
}

func newBench(t *testing.T, pay *stripe, change func(*workers.Config)) *bench {
	t.Helper()
	b := &bench{t: t, store: memory.Open(memory.Config{}), pay: pay, reg: prometheus.NewRegistry(), end: make(chan error, 1)}
	metrics, err := workers.NewMetrics(b.reg)
	if err != nil {
		t.Fatal(err)
	}
	b.conf = workers.Config{
		Desk: workers.Desk{
			Ledger: b.store, Queue: b.store, Stripe: pay, Logger: slog.New(slog.DiscardHandler),
			Receive: func(context.Context, idempotency.Record) (idempotency.Receive, error) {
				return idempotency.Receive{Worker: "b/w", Policy: idempotency.DefaultPolicy(), Encoder: gateway.Forms{}}, nil
			},
		},
		Metrics: metrics,
	}
	if change != nil {
		change(&b.conf)
	}
	return b
}

func (b *bench) start() {
	b.t.Helper()
	pool, err := workers.New(b.conf)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	go func() { b.end <- pool.Run(ctx) }()
}

// halt stops the pool and gives what Run returned.
func (b *bench) halt() error {
	b.stop()
	return <-b.end
}

func (b *bench) accept(n int) []events.ID {
	b.t.Helper()
	ids := make([]events.ID, n)
	for i := range ids {
		ids[i] = events.ID{byte(i), byte(i >> 8), 1}
		c, _, err := idempotency.Next(idempotency.Record{}, idempotency.Submit{
			ID: ids[i], Tenant: "shop", Request: events.Payment{Amount: events.Money{Minor: 100, Currency: "EUR"}, PaymentMethod: "pm_1"},
			Fingerprint: [32]byte{1},
		}, time.Now())
		if err != nil {
			b.t.Fatal(err)
		}
		if err := b.store.Commit(context.Background(), c); err != nil {
			b.t.Fatal(err)
		}
	}
	return ids
}

func (b *bench) state(id events.ID) idempotency.State {
	b.t.Helper()
	r, err := b.store.Load(context.Background(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return r.State
}

func (b *bench) waiting() int {
	b.t.Helper()
	d, err := b.store.Depth(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return d.Waiting()
}

func TestPoolSettlesWhatIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &stripe{wait: sleep(time.Second)}, func(c *workers.Config) { c.Workers = 7 })
		ids := b.accept(50)
		b.start()
		time.Sleep(time.Minute)
		if err := b.halt(); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if b.state(id) != idempotency.Succeeded {
				t.Fatalf("%s is %s", id, b.state(id))
			}
		}
		if b.waiting() != 0 || b.pay.calls.Load() != 50 {
			t.Fatalf("%d messages left, %d charges", b.waiting(), b.pay.calls.Load())
		}
	})
}

func TestPoolReceivesWithinItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		pay := &stripe{wait: func(ctx context.Context) error {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			defer func() { mu.Lock(); now--; mu.Unlock() }()
			return sleep(time.Second)(ctx)
		}}
		b := newBench(t, pay, func(c *workers.Config) { c.Workers = 3 })
		b.accept(20)
		b.start()
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		if d, _ := b.store.Depth(context.Background()); d.InFlight != 3 {
			t.Fatalf("%d messages in flight for 3 workers", d.InFlight)
		}
		time.Sleep(time.Minute)
		if err := b.halt(); err != nil || most != 3 {
			t.Fatalf("%v, %d at once", err, most)
		}
	})
}

func TestDrainFinishesWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &stripe{wait: sleep(10 * time.Second)}, nil)
		ids := b.accept(3)
		b.start()
		time.Sleep(time.Second)
		began := time.Now()
		if err := b.halt(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 9*time.Second {
			t.Fatalf("drained in %s", took)
		}
		for _, id := range ids {
			if b.state(id) != idempotency.Succeeded {
				t.Fatal(b.state(id))
			}
		}
	})
}

func TestDrainGivesBackWhatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &stripe{wait: sleep(time.Hour)}, func(c *workers.Config) { c.DrainTimeout = 5 * time.Second })
		id := b.accept(1)[0]
		b.start()
		time.Sleep(time.Second)
		if err := b.halt(); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v", err)
		}
		if d, _ := b.store.Depth(context.Background()); d.InFlight != 0 || d.Waiting() == 0 {
			t.Fatalf("not given back: %+v", d)
		}
		// The next process resumes it under the same key.
		b.pay.wait = nil
		b.start()
		time.Sleep(10 * time.Minute)
		if err := b.halt(); err != nil || b.state(id) != idempotency.Succeeded {
			t.Fatalf("%v %s", err, b.state(id))
		}
	})
}

func TestHeartbeatHidesWhatIsWorkedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The budget of Stripe calls makes the task wait for longer than the visibility.
		b := newBench(t, &stripe{}, func(c *workers.Config) {
			c.Token = func(ctx context.Context, _ idempotency.CallKind) error { return sleep(5 * time.Minute)(ctx) }
		})
		b.accept(1)
		b.start()
		time.Sleep(4 * time.Minute)
		if got, err := b.store.TryReceive(1, time.Minute); err != nil || len(got) != 0 {
			t.Fatalf("delivered to another while it was worked on: %v %v", got, err)
		}
		time.Sleep(2 * time.Minute)
		if err := b.halt(); err != nil || b.pay.calls.Load() != 1 {
			t.Fatalf("%v, %d charges", err, b.pay.calls.Load())
		}
	})
}

func TestWorkersStopReceivingWhileStripeIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(time.Minute)
		b := newBench(t, &stripe{}, func(c *workers.Config) {
			c.Admit = func(n int) (int, time.Time) {
				if time.Now().Before(up) {
					return 0, up
				}
				return n, time.Time{}
			}
		})
		id := b.accept(1)[0]
		b.start()
		time.Sleep(50 * time.Second)
		if b.state(id) != idempotency.Accepted {
			t.Fatalf("worked on while Stripe is down: %s", b.state(id))
		}
		time.Sleep(20 * time.Second)
		if err := b.halt(); err != nil || b.state(id) != idempotency.Succeeded {
			t.Fatalf("%v %s", err, b.state(id))
		}
	})
}

// The pool receives no more than it may, so that a probe costs one payment's try.
func TestAProbeTakesOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pay := &stripe{}
		var asked atomic.Bool
		b := newBench(t, pay, func(c *workers.Config) {
			c.Admit = func(int) (int, time.Time) {
				if asked.Swap(true) {
					return 0, time.Now().Add(time.Minute)
				}
				return 1, time.Time{}
			}
		})
		b.accept(30)
		b.start()
		time.Sleep(time.Hour)
		if err := b.halt(); err != nil || pay.calls.Load() != 1 {
			t.Fatalf("%v, %d payments sent instead of one", err, pay.calls.Load())
		}
	})
}

// A store that cannot write must not make the workers ask Stripe for the same payments again and again.
func TestWorkersRestWhileTheStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pay := &stripe{}
		b := newBench(t, pay, nil)
		ids := b.accept(200)
		broken := &brokenLedger{Ledger: b.store}
		b.conf.Ledger = broken
		b.start()
		time.Sleep(10 * time.Minute)
		if n := broken.refused.Load(); n > 64*16 {
			t.Fatalf("%d tries of 200 payments in ten minutes", n)
		}
		broken.well.Store(true)
		time.Sleep(10 * time.Minute)
		if err := b.halt(); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if b.state(id) != idempotency.Succeeded {
				t.Fatal(b.state(id))
			}
		}
	})
}

type brokenLedger struct {
	idempotency.Ledger
	well    atomic.Bool
	refused atomic.Int64
}

func (l *brokenLedger) Commit(ctx context.Context, c idempotency.Change) error {
	if l.well.Load() {
		return l.Ledger.Commit(ctx, c)
	}
	l.refused.Add(1)
	return errors.New("disk trouble")
}

func TestAPanicCostsOneDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pay := &stripe{}
		pay.wait = func(context.Context) error {
			if pay.calls.Load() == 1 {
				panic("a bug")
			}
			return nil
		}
		b := newBench(t, pay, nil)
		id := b.accept(1)[0]
		b.start()
		time.Sleep(10 * time.Minute)
		if err := b.halt(); err != nil || b.state(id) != idempotency.Succeeded {
			t.Fatalf("%v %s", err, b.state(id))
		}
		if n, err := testutil.GatherAndCount(b.reg, "payonce_work_panics_total"); err != nil || n != 1 {
			t.Fatalf("%d %v", n, err)
		}
	})
}

func TestPoisonBecomesALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pay := &stripe{wait: func(context.Context) error { panic("each time") }}
		b := newBench(t, pay, func(c *workers.Config) { c.PoisonAfter = 3 })
		id := b.accept(1)[0]
		b.start()
		time.Sleep(time.Hour)
		if err := b.halt(); err != nil {
			t.Fatal(err)
		}
		r, err := b.store.Load(context.Background(), id)
		if err != nil || r.Attention == nil || r.Attention.Class != idempotency.AttentionPoison || r.State != idempotency.Unknown {
			t.Fatalf("%v %s %+v", err, r.State, r.Attention)
		}
		if b.waiting() != 0 || pay.calls.Load() != 3 {
			t.Fatalf("%d messages, %d calls", b.waiting(), pay.calls.Load())
		}
	})
}

func TestOrphanBecomesALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &stripe{}, nil)
		orphan := idempotency.Change{Messages: []idempotency.Message{{Operation: events.ID{9}}}}
		if err := b.store.Commit(context.Background(), orphan); err != nil {
			t.Fatal(err)
		}
		b.start()
		time.Sleep(time.Minute)
		if err := b.halt(); err != nil || b.waiting() != 0 {
			t.Fatalf("%v, %d messages", err, b.waiting())
		}
		if _, err := b.store.Load(context.Background(), events.ID{9}); !errors.Is(err, idempotency.ErrNotFound) {
			t.Fatalf("a message created a record: %v", err)
		}
	})
}

func TestJanitorWakesWhatLostItsMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := false
		pay := &stripe{}
		pay.wait = func(context.Context) error {
			if !lost {
				lost = true
				return errors.New("no answer")
			}
			return nil
		}
		b := newBench(t, pay, nil)
		id := b.accept(1)[0]
		b.start()
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if err := b.halt(); err != nil || b.state(id) != idempotency.Unknown {
			t.Fatalf("%v %s", err, b.state(id))
		}
		// Its delayed message is lost.
		time.Sleep(30 * time.Second)
		got, err := b.store.TryReceive(10, time.Minute)
		if err != nil || len(got) == 0 {
			t.Fatalf("%v %v", got, err)
		}
		for _, d := range got {
			if _, err := b.store.Delete(context.Background(), []queue.Receipt{d.Receipt}); err != nil {
				t.Fatal(err)
			}
		}
		b.start()
		j := workers.Janitor{Ledger: b.store, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- j.Run(ctx) }()
		time.Sleep(5 * time.Minute)
		stop()
		if err := errors.Join(<-done, b.halt()); err != nil || b.state(id) != idempotency.Succeeded {
			t.Fatalf("%v %s", err, b.state(id))
		}
	})
}

// Behind a backlog the messages of what is due are still in the queue: the janitor must not double them.
func TestJanitorTricklesBehindABacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pay := &stripe{wait: func(context.Context) error { return errors.New("no answer") }}
		b := newBench(t, pay, nil)
		b.accept(500)
		b.start()
		time.Sleep(100 * time.Millisecond)
		if err := b.halt(); err != nil || b.waiting() != 500 {
			t.Fatalf("%v, %d messages", err, b.waiting())
		}
		j := workers.Janitor{Ledger: b.store, Depth: b.store.Depth, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}
		time.Sleep(5 * time.Minute) // all are due by now, and nobody works
		ctx, stop := context.WithTimeout(context.Background(), 2500*time.Millisecond)
		defer stop()
		if err := j.Run(ctx); err != nil || b.waiting() != 500+3*20 {
			t.Fatalf("%v, %d messages", err, b.waiting())
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	b := newBench(t, &stripe{}, nil)
	for i, change := range []func(*workers.Config){
		func(c *workers.Config) { c.Ledger = nil },
		func(c *workers.Config) { c.Workers = -1 },
		func(c *workers.Config) { c.Visibility = 10 * time.Second },
		func(c *workers.Config) { c.Visibility = 13 * time.Hour },
	} {
		c := b.conf
		change(&c)
		if _, err := workers.New(c); err == nil {
			t.Error(fmt.Sprint(i, ": accepted"))
		}
	}
}
