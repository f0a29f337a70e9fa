package gateway

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/payonce/payonce/idempotency"
)

const (
	// slowest is the part of a budget that rate limits can bring it down to.
	slowest = 1.0 / 16
	// recovery is how long a slowed budget must see no rate limit before it is doubled again.
	recovery = 10 * time.Second
)

// budget is a token bucket that halves itself when Stripe says 429 and recovers by itself.
// Stripe sends no Retry-After; it advises client-side buckets with back-off (https://docs.stripe.com/rate-limits).
type budget struct {
	full    float64
	limiter *rate.Limiter

	mu      sync.Mutex
	now     float64
	changed time.Time
}

func newBudget(perSecond float64) *budget {
	burst := max(1, int(min(perSecond/4, 1<<20)))
	return &budget{full: perSecond, now: perSecond, limiter: rate.NewLimiter(rate.Limit(perSecond), burst)}
}

// wait takes one token. Errors: those of rate.Limiter.Wait; nothing was taken then.
func (b *budget) wait(ctx context.Context) error {
	b.recover(time.Now())
	return b.limiter.Wait(ctx)
}

// slow halves the rate, at most once a second: one burst of refusals is one signal.
func (b *budget) slow(now time.Time) {
	if b.limiter.Limit() == rate.Inf {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.changed) < time.Second {
		return
	}
	b.set(max(b.now/2, b.full*slowest), now)
}

func (b *budget) recover(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.now < b.full && now.Sub(b.changed) >= recovery {
		b.set(min(b.now*2, b.full), now)
	}
}

func (b *budget) set(perSecond float64, now time.Time) {
	b.now, b.changed = perSecond, now
	b.limiter.SetLimit(rate.Limit(perSecond))
}

// Take takes a rate token for a claimed call (confirm, create_confirm, cancel). A worker takes it before it commits
// the claim, because it may have to wait and the lease should not run meanwhile; Do takes none for these kinds. For
// all other kinds Take does nothing, and Do takes the token itself.
// Errors: ctx.Err(), or an error at once if ctx would end before the token comes.
func (s *Stripe) Take(ctx context.Context, kind idempotency.CallKind) error {
	if !kind.Claimed() {
		return nil
	}
	return s.writes.wait(ctx)
}

// budgetOf is the bucket of a call.
func (s *Stripe) budgetOf(kind idempotency.CallKind) *budget {
	if kind == idempotency.CallRetrieve || kind == idempotency.CallFind {
		return s.reads
	}
	return s.writes
}
