package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/payonce/payonce/config"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/restore"
	"github.com/payonce/payonce/workers"
)

// startWorkers starts the pool, and what helps it: the janitor, the pruner of the feed, and after a restore the sweeper.
func (s *server) startWorkers(ctx context.Context) error {
	window, err := s.store.Gate(ctx)
	if err != nil {
		return fmt.Errorf("read the restore window: %w", err)
	}
	s.gate = newGate(window, s.store.CloseGate)
	metrics, err := workers.NewMetrics(s.metrics)
	if err != nil {
		return err
	}
	pool, err := workers.New(workers.Config{
		Desk: workers.Desk{
			Ledger: s.store, Queue: s.store, Stripe: s.stripe, Receive: s.receive, Now: time.Now,
			CallTimeout: s.settings.StripeTimeout, Logger: s.log,
			Token: s.stripe.Take,
		},
		Workers: s.settings.Workers, Visibility: s.settings.Visibility, DrainTimeout: s.settings.DrainTimeout,
		Admit: s.stripe.Admit, Metrics: metrics, Tracer: s.tracing.Tracer("github.com/payonce/payonce/workers"),
	})
	if err != nil {
		return err
	}
	janitor := &workers.Janitor{
		Stopped: s.stripe.Open, Depth: s.store.Depth,
		Ledger: s.store, Now: time.Now, Every: s.settings.JanitorInterval, Logger: s.log, Metrics: metrics,
	}
	if window != nil {
		if err := s.startSweeper(*window); err != nil {
			return err
		}
	}
	s.background.Go(func() { s.fail("Stripe account", s.confirmAccount()) })
	s.workers.Go(func() {
		s.afterAccount(s.workersCtx, func() {
			err := pool.Run(s.workersCtx)
			if errors.Is(err, context.DeadlineExceeded) {
				return // the drain was cut off: what was not finished was given back, and the pool has said so
			}
			s.fail("workers", err)
		})
	})
	s.background.Go(func() {
		s.afterAccount(s.backCtx, func() { s.fail("janitor", janitor.Run(s.backCtx)) })
	})
	s.background.Go(s.prune)
	return nil
}

// receive says on what terms a payment is worked on.
func (s *server) receive(_ context.Context, r idempotency.Record) (idempotency.Receive, error) {
	boot := s.store.Meta().BootName()
	in := idempotency.Receive{
		Worker: boot + "/w",
		Policy: policyOf(s.settings, r.Tenant), Encoder: s.stripe.Forms(),
		Jitter: rand.Float64(), Gate: s.gate.current(),
	}
	if s.store.Exclusive() {
		in.Boot = boot
	}
	return in, nil
}

// policyOf is how a tenant's payments are charged.
func policyOf(s config.Settings, tenant string) idempotency.Policy {
	p := idempotency.DefaultPolicy()
	p.OneStep = s.ChargeMode == config.OneStep || slices.Contains(s.OneStepTenants, tenant)
	p.MaxAttempts = s.MaxAttempts
	p.Lease = s.Lease
	p.ActionTimeout = s.ActionTimeout
	return p
}

func (s *server) startSweeper(window idempotency.Window) error {
	sweeper, err := restore.New(restore.Config{
		Ledger: s.store, Sweep: s.stripe.Sweep, Window: window, Close: s.gate.close, Now: time.Now, Logger: s.log,
	})
	if err != nil {
		return err
	}
	s.log.Info("restored from a backup: asking Stripe before each first attempt",
		slog.Time("window_from", window.From.Time()), slog.Time("window_to", window.To.Time()))
	s.background.Go(func() {
		s.afterAccount(s.backCtx, func() {
			if err := sweeper.Run(s.backCtx); err != nil && s.backCtx.Err() == nil {
				s.fail("restore sweep", err)
			}
		})
	})
	return nil
}

// prune removes outcome events that are older than the retention. A failure costs nothing but space: the next round
// tries again.
func (s *server) prune() {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		ctx, cancel := context.WithTimeout(s.backCtx, pruneBound)
		n, err := s.store.PruneEvents(ctx, time.Now().Add(-s.settings.EventRetention))
		cancel()
		switch {
		case s.backCtx.Err() != nil:
			return
		case err != nil:
			s.log.Warn("old events were not removed", slog.String("error", err.Error()))
		case n > 0:
			s.log.Info("old events removed", slog.Int64("removed", n))
		}
		select {
		case <-tick.C:
		case <-s.backCtx.Done():
			return
		}
	}
}
