package workers

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/payonce/payonce/queue"
)

// Config of a Pool. Desk is required; the rest has defaults.
type Config struct {
	Desk
	// Workers is how many payments are worked on at once. Default 64.
	Workers int
	// Visibility is how long a received message stays hidden; heartbeats extend it while it is worked on.
	// Default 60 s. It must exceed CallTimeout.
	Visibility time.Duration
	// DrainTimeout bounds how long Run waits for work under way once it is told to stop. Default 35 s.
	DrainTimeout time.Duration
	// Admit is how many of at most n messages may be received now; 0 tells when to ask again. Workers do not receive
	// while Stripe is unreachable or refuses the credentials, and probe with one message; the others stay where they
	// are and no payment burns a try (rule 13). Nil: always n.
	Admit   func(n int) (int, time.Time)
	Metrics *Metrics     // nil: none
	Tracer  trace.Tracer // nil: none
}

// Pool receives work messages and works them, a bounded number at a time.
type Pool struct {
	c Config

	mu   sync.Mutex
	hand map[queue.Receipt]struct{} // deliveries being worked on, for the heartbeat
	bad  int                        // times in a row that the store failed
	rest time.Time                  // nothing is received until then
}

// After a failure of the store the pool rests, from restFirst doubling to restLongest: each delivery that cannot be
// committed has asked Stripe in vain.
const (
	restFirst   = time.Second
	restLongest = time.Minute
)

// New checks the configuration.
func New(c Config) (*Pool, error) {
	def := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	def(&c.CallTimeout, 30*time.Second)
	def(&c.Visibility, time.Minute)
	def(&c.DrainTimeout, 35*time.Second)
	if c.Workers == 0 {
		c.Workers = 64
	}
	if c.PoisonAfter == 0 {
		c.PoisonAfter = 20
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	switch {
	case c.Ledger == nil || c.Queue == nil || c.Stripe == nil || c.Receive == nil || c.Logger == nil:
		return nil, errors.New("workers: ledger, queue, stripe, receive and logger are required")
	case c.Workers < 1 || c.Workers > 4096:
		return nil, errors.New("workers: the number of workers must be 1 to 4096")
	case c.Visibility <= c.CallTimeout || c.Visibility > queue.MaxVisibility:
		return nil, errors.New("workers: the visibility must exceed the call timeout and be at most 12 h")
	}
	return &Pool{c: c, hand: map[queue.Receipt]struct{}{}}, nil
}

// Run works until ctx ends, then finishes what is under way: it receives nothing more, waits up to DrainTimeout,
// and gives back what has not ended by then. It returns nil after a drain that left nothing, context.DeadlineExceeded
// if work had to be cut off, and the queue's error if receiving failed for good.
func (p *Pool) Run(ctx context.Context) error {
	// Work outlives ctx: a charge under way is settled, not abandoned.
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()

	var heart sync.WaitGroup
	beat, stopBeat := context.WithCancel(context.WithoutCancel(ctx))
	heart.Go(func() { p.heartbeat(beat) })

	var tasks sync.WaitGroup
	slots := make(chan struct{}, p.c.Workers)
	err := p.receive(ctx, slots, func(d queue.Delivery) {
		tasks.Go(func() {
			defer func() { <-slots }()
			p.work(work, d)
		})
	})

	done := make(chan struct{})
	go func() { tasks.Wait(); close(done) }()
	timer := time.NewTimer(p.c.DrainTimeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		p.c.Logger.Warn("drain took too long, giving the rest back", slog.Int("in_hand", p.inHand()))
		cut()
		<-done
		err = errors.Join(err, context.DeadlineExceeded)
	}
	stopBeat()
	heart.Wait()
	return err
}

// receive takes messages within the budget of free workers and hands each to start, until ctx ends.
func (p *Pool) receive(ctx context.Context, slots chan struct{}, start func(queue.Delivery)) error {
	for {
		free := reserve(ctx, slots)
		// Once there are slots, not before: what freed them may be that the store fails.
		if free == 0 || !p.pause(ctx) {
			return nil
		}
		may := p.admit(ctx, free)
		for range free - may {
			<-slots
		}
		if free = may; free == 0 {
			return nil
		}
		got, err := p.c.Queue.Receive(ctx, free, p.c.Visibility)
		for range free - len(got) {
			<-slots
		}
		for _, d := range got {
			p.take(d.Receipt)
			start(d)
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop: that is how receiving ends
		}
		switch {
		case err == nil:
		case errors.Is(err, queue.ErrClosed):
			return err
		default:
			p.c.Logger.Error("receiving failed, trying again", slog.String("error", err.Error()))
			if !wait(ctx, time.Second) {
				return nil
			}
		}
	}
}

// reserve waits for a free slot and takes more where there are, up to a batch. 0: ctx has ended.
func reserve(ctx context.Context, slots chan struct{}) int {
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	for n := 1; n < queue.MaxBatch; n++ {
		select {
		case slots <- struct{}{}:
		default:
			return n
		}
	}
	return queue.MaxBatch
}

// pause waits while the store fails. False: ctx has ended.
func (p *Pool) pause(ctx context.Context) bool {
	p.mu.Lock()
	rest := p.rest.Sub(p.c.Now())
	p.mu.Unlock()
	if rest > 0 && !wait(ctx, rest) {
		return false
	}
	return ctx.Err() == nil
}

// admit waits while Stripe is down: accepting goes on as it can, receiving does not (rule 13). It returns how many of
// free messages to receive; 0: ctx has ended.
func (p *Pool) admit(ctx context.Context, free int) int {
	if p.c.Admit == nil {
		return free
	}
	for {
		n, again := p.c.Admit(free)
		if n > 0 {
			return n
		}
		if !wait(ctx, min(max(again.Sub(p.c.Now()), 50*time.Millisecond), 5*time.Second)) {
			return 0
		}
	}
}

// work runs one task to its end. A panic is a bug of ours: it costs this delivery, not the process, and the
// delivery counts as received, so that it cannot loop for ever.
func (p *Pool) work(ctx context.Context, d queue.Delivery) {
	started := p.c.Now()
	defer p.drop(d.Receipt)
	ctx, span := p.span(ctx, d)
	defer span.End()
	task := NewTask(&p.c.Desk, d)
	defer func() {
		if v := recover(); v != nil {
			p.c.Logger.Error("work panicked", slog.String("payment", d.Operation.String()), slog.Any("panic", v),
				slog.String("doing", task.Doing()))
			p.c.Metrics.panicked()
		}
	}()
	for !task.Step(ctx) {
	}
	p.stored(!task.Trouble())
	r := task.Record()
	p.c.Metrics.worked(task.Result(), r, p.c.Now().Sub(started), p.c.Now())
	span.SetAttributes(attribute.String("payonce.state", r.State.String()), attribute.String("payonce.result", string(task.Result())))
	p.c.Logger.LogAttrs(ctx, slog.LevelInfo, "worked", slog.String("payment", d.Operation.String()),
		slog.String("state", r.State.String()), slog.String("result", string(task.Result())),
		slog.Int("attempt", len(r.Attempts)), slog.Int("receives", d.Receives),
		slog.Duration("duration", p.c.Now().Sub(started)))
}

// stored notes how the store did.
func (p *Pool) stored(well bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if well {
		p.bad = 0
		return
	}
	if until := p.rest; p.c.Now().Before(until) {
		return // one of those that were under way when it began
	}
	p.rest = p.c.Now().Add(min(restFirst<<min(p.bad, 8), restLongest))
	p.bad++
}

func (p *Pool) take(r queue.Receipt) {
	p.mu.Lock()
	p.hand[r] = struct{}{}
	p.mu.Unlock()
	p.c.Metrics.inHand(1)
}

func (p *Pool) drop(r queue.Receipt) {
	p.mu.Lock()
	delete(p.hand, r)
	p.mu.Unlock()
	p.c.Metrics.inHand(-1)
}

func (p *Pool) inHand() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.hand)
}

// wait lets d pass. False: ctx has ended before.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
