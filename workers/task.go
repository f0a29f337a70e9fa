package workers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// Stripe runs calls. The gateway implements it; a call never fails, it is answered.
type Stripe interface {
	// Do runs one call and classifies what came back. It waits for nothing but the network.
	Do(ctx context.Context, call idempotency.Call) idempotency.Answer
}

// Desk is what a task works with: the ports and the settings that all tasks of a process share.
type Desk struct {
	Ledger idempotency.Ledger
	Queue  queue.Consumer
	Stripe Stripe
	// Token waits for a place in the budget of Stripe calls that need a claim. It is taken before the claim, since
	// a claim that waits is a lease that runs out. Nil: no budget.
	Token func(ctx context.Context, kind idempotency.CallKind) error
	// Receive is the input for a message: who we are, the tenant's policy, chance, the restore gate.
	Receive func(ctx context.Context, r idempotency.Record) (idempotency.Receive, error)
	Now     func() time.Time
	// CallTimeout is how long one Stripe call may take. A claimed call that could outlive its lease is not sent.
	CallTimeout time.Duration
	// PoisonAfter is how many deliveries without an end take a message off the queue.
	PoisonAfter int
	Logger      *slog.Logger
}

// Task is the work on one delivery, stepped effect by effect: each Step does at most one thing that the world can
// see, so that a crash between any two is a crash between two Steps. The pool runs it to its end; the simulation
// interleaves many and drops them in the middle.
type Task struct {
	desk     *Desk
	delivery queue.Delivery

	phase  phase
	record idempotency.Record // as read or as committed by this task
	in     idempotency.Receive
	change idempotency.Change
	call   *idempotency.Call
	answer *idempotency.Answered // the answer whose change is being committed; nil: none
	asked  idempotency.Input     // the input that waits for a token
	token  bool                  // a token of the budget is in hand
	delay  time.Duration         // for release
	turns  int
	asks   int // calls made
	result Result

	trouble bool // the store failed: see Trouble
}

// Result is how a task ended.
type Result string

// The results, also the values of the metric payonce_work_total.
const (
	ResultDone     Result = "done"     // nothing left to do, the message is deleted
	ResultReleased Result = "released" // put back for later
	ResultLetter   Result = "letter"   // an orphan or poison, kept as a dead letter
	ResultLost     Result = "lost"     // the receipt was stale: somebody else has the message
)

type phase uint8

const (
	phaseLoad phase = iota
	phaseToken
	phaseCommit
	phaseCall
	phaseRelease
	phaseDelete
	phaseEnd
)

// maxTurns bounds how often one task goes back to the record because somebody else moved it.
const maxTurns = 12

// spareAfter is how early a message must come to be one too many, and not just early by the difference of two clocks.
const spareAfter = 5 * time.Second

// maxAsks bounds the calls of one task: a create, a charge, a close and some looks between. More is a circle.
const maxAsks = 8

// releaseDelay is the pause before a message whose work failed for reasons of our own is visible again.
const releaseDelay = 2 * time.Second

// NewTask starts the work on a delivery.
func NewTask(desk *Desk, d queue.Delivery) *Task { return &Task{desk: desk, delivery: d} }

// Result says how the task ended; empty while it has not.
func (t *Task) Result() Result { return t.result }

// Record is the record as this task last saw or wrote it.
func (t *Task) Record() idempotency.Record { return t.record }

// Trouble reports whether the task ended because the store failed. What it asked Stripe for meanwhile was in vain, so a
// pool that goes on would ask again and again.
func (t *Task) Trouble() bool { return t.trouble }

// Doing names the effect that the next Step will have, for simulations, spans and logs.
func (t *Task) Doing() string {
	switch t.phase {
	case phaseLoad:
		return "load"
	case phaseToken:
		return "token"
	case phaseCommit:
		return "commit"
	case phaseCall:
		return t.call.Kind.String()
	case phaseRelease:
		return "release"
	case phaseDelete:
		return "delete"
	default:
		return "end"
	}
}

// Step performs the next effect. It reports whether the task has ended. When ctx ends, an effect that has not begun
// is not begun, and the message goes back.
func (t *Task) Step(ctx context.Context) (ended bool) {
	switch t.phase {
	case phaseLoad:
		t.load(ctx)
	case phaseToken:
		t.take(ctx)
	case phaseCommit:
		t.commit(ctx)
	case phaseCall:
		t.run(ctx)
	case phaseRelease:
		t.release(ctx)
	case phaseDelete:
		t.delete(ctx)
	}
	return t.phase == phaseEnd
}

// load reads the record and decides.
func (t *Task) load(ctx context.Context) {
	if t.turns++; t.turns > maxTurns {
		t.fail(errors.New("the record kept changing under this task"))
		return
	}
	r, err := t.desk.Ledger.Load(ctx, t.delivery.Operation)
	if err != nil && !errors.Is(err, idempotency.ErrNotFound) {
		t.trouble = ctx.Err() == nil
		t.fail(fmt.Errorf("read the record: %w", err))
		return
	}
	t.begin(ctx, r)
}

// begin judges a record as it stands for the holder of its message.
func (t *Task) begin(ctx context.Context, r idempotency.Record) {
	t.record, t.answer = r, nil
	var err error
	if t.in, err = t.desk.Receive(ctx, r); err != nil {
		t.fail(fmt.Errorf("prepare the work: %w", err))
		return
	}
	if t.delivery.Receives > t.desk.PoisonAfter && r.State != idempotency.Absent {
		t.next(idempotency.Poisoned{Receives: t.delivery.Receives})
		t.result = ResultLetter
		return
	}
	t.next(t.in)
}

// next asks the protocol and sets the phase that follows.
func (t *Task) next(in idempotency.Input) {
	now := t.desk.Now()
	change, call, err := idempotency.Next(t.record, in, now)
	var notYet *idempotency.NotYetError
	switch {
	case errors.As(err, &notYet):
		t.putOff(notYet.Until.Time().Sub(now))
	case errors.Is(err, idempotency.ErrOrphan):
		t.change = idempotency.Change{Letter: &idempotency.Letter{
			Operation: t.delivery.Operation, Class: idempotency.AttentionOrphan, At: idempotency.At(now),
			Reason: "a work message names an operation that has no record",
		}}
		t.call, t.phase, t.result = nil, phaseCommit, ResultLetter
	case errors.Is(err, idempotency.ErrNotOwner):
		t.phase = phaseLoad // somebody else moved it: their record decides
	case err != nil:
		t.fail(err)
	case call != nil && call.Kind.Claimed() && !t.token && !t.owns():
		t.asked, t.phase = in, phaseToken // and then decide again, at the time it is then
	default:
		t.change, t.call = change, call
		t.phase = phaseCommit
		if change.Empty() {
			t.afterCommit()
		}
	}
}

// owns reports whether this task holds the claim already, so that waiting would let its lease run out.
func (t *Task) owns() bool {
	return t.answer != nil && t.answer.Call.Kind.Claimed() && t.answer.Call.Fence == t.record.Fence
}

// take waits for the budget.
func (t *Task) take(ctx context.Context) {
	if t.desk.Token != nil {
		if err := t.desk.Token(ctx, idempotency.CallConfirm); err != nil {
			t.fail(fmt.Errorf("wait for the Stripe budget: %w", err))
			return
		}
	}
	t.token = true
	t.next(t.asked)
}

// putOff returns the message until a moment, or drops it where the janitor's index will bring the record back.
func (t *Task) putOff(wait time.Duration) {
	// A waiting record is in the janitor's index, and its own delayed message is due in time: this is a spare one.
	spare := t.record.State != idempotency.Processing && wait > spareAfter
	if t.record.Due != 0 && (spare || wait > queue.MaxDelay) {
		t.phase = phaseDelete
		return
	}
	t.delay, t.phase = min(max(wait, 0), queue.MaxDelay), phaseRelease
}

// commit makes the change durable. Only then may its call be run.
func (t *Task) commit(ctx context.Context) {
	err := t.desk.Ledger.Commit(ctx, t.change)
	var stale *idempotency.StaleError
	var held *idempotency.HeldError
	switch {
	case err == nil:
		if t.change.Record != nil {
			t.record = *t.change.Record
		}
		t.afterCommit()
	case errors.As(err, &stale):
		if t.turns++; t.turns > maxTurns {
			t.fail(err)
			return
		}
		t.result = ""
		if t.answer != nil && t.answer.Call.Kind.Claimed() {
			// A wish (a cancel, a wake) was written beside our claim: what Stripe said still counts.
			t.record = stale.Current
			t.next(*t.answer)
			return
		}
		t.begin(ctx, stale.Current)
	case errors.As(err, &held):
		t.next(idempotency.Held{Receive: t.in, Holder: held.Holder})
	default:
		// It may have been committed or not; the next delivery reads which. Nothing was sent to Stripe.
		t.trouble = ctx.Err() == nil
		t.fail(fmt.Errorf("commit: %w", err))
	}
}

func (t *Task) afterCommit() {
	if t.call == nil {
		t.phase = phaseDelete
		return
	}
	t.phase = phaseCall
}

// run sends the one request of this step and judges the answer.
func (t *Task) run(ctx context.Context) {
	call := *t.call
	// Rule 6: the clock is compared with the lease directly before the request. An attempt that was written ahead
	// and not sent is resumed like one whose answer was lost.
	if call.Kind.Claimed() && t.desk.Now().Add(t.desk.CallTimeout).After(call.LeaseEnd.Time()) {
		t.fail(errors.New("the lease is too short for the call"))
		return
	}
	if t.asks++; t.asks > maxAsks {
		t.fail(errors.New("the work goes round in circles"))
		return
	}
	if err := ctx.Err(); err != nil {
		t.fail(err)
		return
	}
	answer := t.desk.Stripe.Do(ctx, call)
	t.desk.Logger.LogAttrs(ctx, slog.LevelDebug, "stripe answered",
		slog.String("payment", call.Payment.String()), slog.String("call", call.Kind.String()),
		slog.String("class", answer.Class.String()), slog.Int("attempt", call.Attempt),
		slog.String("request_id", answer.RequestID), slog.Bool("replayed", answer.Replayed))
	t.token = t.token && !call.Kind.Claimed()
	t.answer = &idempotency.Answered{Receive: t.in, Call: call, Answer: answer}
	t.next(*t.answer)
}

// fail gives the message back after a failure of ours: the store, the budget, a drain.
func (t *Task) fail(err error) {
	if !errors.Is(err, context.Canceled) {
		t.desk.Logger.Warn("work put back", slog.String("payment", t.delivery.Operation.String()),
			slog.String("doing", t.Doing()), slog.String("error", err.Error()))
	}
	t.delay, t.phase, t.result = releaseDelay, phaseRelease, ""
	if errors.Is(err, context.Canceled) {
		t.delay = 0
	}
}

func (t *Task) release(ctx context.Context) {
	t.phase, t.result = phaseEnd, ResultReleased
	if err := t.desk.Queue.Release(context.WithoutCancel(ctx), t.delivery.Receipt, t.delay); err != nil {
		t.lost(err)
	}
}

func (t *Task) delete(ctx context.Context) {
	t.phase = phaseEnd
	if t.result == "" {
		t.result = ResultDone
	}
	errs, err := t.desk.Queue.Delete(context.WithoutCancel(ctx), []queue.Receipt{t.delivery.Receipt})
	if err == nil && len(errs) == 1 {
		err = errs[0]
	}
	if err != nil {
		t.lost(err)
	}
}

// lost notes that the message could not be given back or deleted. It will be delivered again, and whoever gets it
// finds the record as this task left it.
func (t *Task) lost(err error) {
	t.result = ResultLost
	if !errors.Is(err, queue.ErrStaleReceipt) {
		t.desk.Logger.Warn("message not returned", slog.String("payment", t.delivery.Operation.String()),
			slog.String("error", err.Error()))
	}
}
