package simulation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/payonce/payonce/accept"
	"github.com/payonce/payonce/engine/memory"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/gateway"
	"github.com/payonce/payonce/gateway/sandbox"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
	"github.com/payonce/payonce/workers"
)

// Options of a run. The zero value is a run of DefaultSteps in two steps on an atomic engine.
type Options struct {
	Seed  uint64
	Steps int // draws before the world heals. 0: DefaultSteps
	// OneStep charges in one Stripe call. That mode rests on bounded time, so requests then take effect within
	// minutes or never.
	OneStep bool
	// Disaster takes a backup on the way, loses the store later and restores it: the ledger has forgotten what Stripe
	// has not.
	Disaster bool
	// Split runs on an engine that commits record, messages and outcome one after the other.
	Split bool
	// Trace gets a line for each thing that happens. Nil: none.
	Trace io.Writer
}

// DefaultSteps is long enough for a dozen payments to meet several faults each.
const DefaultSteps = 600

// Result of a run.
type Result struct {
	Digest   string // over everything that happened: the same seed, the same digest
	Payments int    // accepted
	Charges  int    // at the sandbox
	Crashes  int
	Faults   int
	States   map[idempotency.State]int
	// Attention counts what an operator would see at the end, by reason class.
	Attention map[idempotency.AttentionClass]int
}

// World is one simulated installation.
type World struct {
	opt    Options
	rng    *rand.Rand
	now    time.Time
	engine *memory.Store
	stripe *sandbox.Stripe
	pay    *gateway.Stripe
	desk   *accept.Desk
	procs  []*process
	apps   []*purchase
	boots  int
	downTo time.Time // Stripe is unreachable until then
	healed bool
	backup *memory.Backup // taken, for the disaster to come
	taken  time.Time

	backedGate *idempotency.Window // as it was when the backup was taken
	gate       *idempotency.Window // open since the disaster
	sweeps     bool                // a sweep is under way: it waits out faults by the wall clock, so it meets none
	config     memory.Config
	digest     hash.Hash

	installation uuid.UUID
	res          Result
	ctx          context.Context
	cancel       context.CancelFunc
	quiet        *slog.Logger
}

// process is one running payonce: a few tasks under way, all lost when it dies.
type process struct {
	boot  string
	desk  workers.Desk
	tasks []*workers.Task
}

const (
	processes      = 2
	tasksPerWorker = 3
)

var (
	tenant  = "shop"
	secret  = []byte("simulation fingerprint secret 01")
	begin   = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	errFail = errors.New("simulated failure of the store")
)

func newWorld(opt Options) (*World, error) {
	if opt.Steps == 0 {
		opt.Steps = DefaultSteps
	}
	w := &World{
		opt: opt, rng: rand.New(rand.NewPCG(opt.Seed, 0x7061796f6e6365)), now: begin, digest: sha256.New(),
		quiet: slog.New(slog.DiscardHandler),
	}
	w.res.States = map[idempotency.State]int{}
	w.res.Attention = map[idempotency.AttentionClass]int{}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	clock := func() time.Time { return w.now }
	installation := uuid.NewSHA1(uuid.Nil, fmt.Appendf(nil, "simulation %d", opt.Seed))

	var err error
	w.config = memory.Config{Clock: clock, Split: opt.Split, Fail: w.engineFault}
	w.engine = memory.Open(w.config)
	if w.stripe, err = sandbox.New(sandbox.Options{Seed: opt.Seed}); err != nil {
		return nil, err
	}
	w.pay, err = gateway.New(gateway.Config{
		APIKey: gateway.NewSecret("sk_test_simulation"), BaseURL: "http://127.0.0.1:1", Installation: installation, Now: clock,
		Transport: &sandbox.Transport{Stripe: w.stripe, Clock: clock, Fault: w.fault}, Logger: w.quiet,
	})
	if err != nil {
		return nil, err
	}
	w.installation = installation
	if err := w.openDesk(); err != nil {
		return nil, err
	}
	for range processes {
		w.procs = append(w.procs, w.boot())
	}
	w.stock()
	return w, nil
}

// openDesk opens the door for payment events on the engine that there is.
func (w *World) openDesk() (err error) {
	w.desk, err = accept.New(accept.Config{
		Ledger: w.engine, Queue: w.engine, Clock: w.config.Clock, Installation: w.installation, Secret: secret,
		Gate: func() bool { return w.gate != nil },
	})
	return err
}

// boot starts a process. Several run at once, so none may take another's lease before its end.
func (w *World) boot() *process {
	w.boots++
	p := &process{boot: fmt.Sprintf("b%d", w.boots)}
	policy := idempotency.DefaultPolicy()
	policy.OneStep = w.opt.OneStep
	p.desk = workers.Desk{
		Ledger: w.engine, Queue: w.engine, Stripe: w.pay, CallTimeout: 30 * time.Second, PoisonAfter: 1000,
		Now: func() time.Time { return w.now }, Logger: w.quiet,
		Receive: func(context.Context, idempotency.Record) (idempotency.Receive, error) {
			return idempotency.Receive{
				Worker: p.boot + "/w", Policy: policy, Encoder: w.pay.Forms(), Jitter: w.rng.Float64(), Gate: w.gate,
			}, nil
		},
	}
	return p
}

// note adds a line to the digest and the trace.
func (w *World) note(format string, args ...any) {
	line := fmt.Sprintf("%s %s\n", w.now.Format("15:04:05.000"), fmt.Sprintf(format, args...))
	if days := int(w.now.Sub(begin).Hours() / 24); days > 0 {
		line = fmt.Sprintf("day %d %s", days, line)
	}
	w.digest.Write([]byte(line))
	if w.opt.Trace != nil {
		fmt.Fprint(w.opt.Trace, line)
	}
}

// engineFault fails the store now and then, between the effects of one commit too. Nobody knows then what was written.
func (w *World) engineFault(step string) error {
	if w.healed || w.rng.IntN(400) != 0 {
		return nil
	}
	w.note("store fails at %s", step)
	w.res.Faults++
	return errFail
}

// fault draws what goes wrong with one request to Stripe.
func (w *World) fault(r *http.Request) sandbox.Fault {
	if w.healed || w.sweeps {
		return sandbox.Fault{}
	}
	if w.now.Before(w.downTo) {
		return sandbox.Fault{Kind: sandbox.Reset}
	}
	f := sandbox.Fault{}
	switch n := w.rng.IntN(100); {
	case n < 8:
		f.Kind = sandbox.LostAnswer
	case n < 11:
		f.Kind = sandbox.Error500Effect
	case n < 13:
		f.Kind = sandbox.Error500NoEffect
	case n < 15:
		f = sandbox.Fault{Kind: sandbox.Error500LateEffect, Delay: w.late()}
	case n < 19:
		f = sandbox.Fault{Kind: sandbox.LateEffect, Delay: w.late()}
	case n < 23:
		f.Kind = sandbox.RateLimit
	case n < 25:
		f.Kind = sandbox.LockTimeout
	case n < 28:
		f.Kind = sandbox.BadGatewayEffect
	case n < 31:
		f.Kind = sandbox.Reset
	case n < 33:
		f.Kind = sandbox.Unavailable
	default:
		return f
	}
	w.res.Faults++
	w.note("fault %s %v on %s %s", f.Kind, f.Delay, r.Method, shorten(r.URL.Path))
	return f
}

// late is when a request takes effect that its sender has given up. One step, and a restored ledger that has forgotten
// which intent it confirmed, rest on bounded time: within the quiet period. Two steps rest on nothing: days.
func (w *World) late() time.Duration {
	if w.opt.OneStep || w.opt.Disaster {
		return time.Duration(w.rng.Int64N(int64(10 * time.Minute)))
	}
	return time.Duration(w.rng.Int64N(int64(60 * time.Hour)))
}

func shorten(path string) string { return strings.TrimPrefix(path, "/v1/payment_intents") }

func (w *World) result() Result {
	w.res.Digest = hex.EncodeToString(w.digest.Sum(nil)[:8])
	return w.res
}

// deliver hands one visible message to a process, if there is one.
func (w *World) deliver(p *process) bool {
	got, err := w.engine.TryReceive(1, time.Minute)
	if err != nil {
		return false // the store failed; the message is still there
	}
	for _, d := range got {
		p.tasks = append(p.tasks, workers.NewTask(&p.desk, d))
		w.note("%s receives %s", p.boot, short(d.Operation))
	}
	return len(got) > 0
}

// step runs one effect of one task.
func (w *World) step(p *process, i int) {
	t := p.tasks[i]
	doing := t.Doing()
	ended := t.Step(w.ctx)
	r := t.Record()
	w.note("%s %s %s -> %s v%d", p.boot, doing, short(r.ID), r.State, r.Version)
	if ended {
		p.tasks = append(p.tasks[:i:i], p.tasks[i+1:]...)
	}
}

func short(id events.ID) string { return id.String()[:10] }

var _ queue.Consumer = (*memory.Store)(nil)
