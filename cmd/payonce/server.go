package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/api"
	"github.com/payonce/payonce/config"
	"github.com/payonce/payonce/engine"
	"github.com/payonce/payonce/gateway"
	"github.com/payonce/payonce/telemetry"
)

// serverOptions is what a server is made of.
type serverOptions struct {
	settings config.Settings
	version  versionInfo
	logs     io.Writer
	// prepare runs when the store is open and before anything else starts. Nil: nothing.
	prepare func(ctx context.Context, store engine.Engine) error
	// registerer sees every metric that is registered. Nil: only the registry does.
	catalog func(prometheus.Registerer) prometheus.Registerer
}

// server is a running payonce: store, gateway, workers, API and admin socket in one process.
type server struct {
	serverOptions
	log      *slog.Logger
	tracing  *telemetry.Tracing
	registry *prometheus.Registry
	metrics  prometheus.Registerer
	store    engine.Engine
	stripe   *gateway.Stripe
	keys     *access.Authenticator
	gate     *gate
	api      *api.API
	http     *http.Server
	listener net.Listener
	admin    *adminServer

	failed    chan error    // the first part that ended although nobody stopped it
	confirmed chan struct{} // closed when the key is known to be of the right account

	workersCtx  context.Context
	stopWorkers context.CancelFunc
	workers     sync.WaitGroup // the pool
	backCtx     context.Context
	stopBack    context.CancelFunc
	background  sync.WaitGroup // everything that only helps: janitor, sweeper, pruner
	serving     sync.WaitGroup // the API's and the admin socket's accept loops
}

func (a *app) serverOptions(l *config.Loaded) serverOptions {
	return serverOptions{settings: l.Settings, version: a.version, logs: a.err}
}

// startServer starts every part, in this order: logs and metrics, store (with the lock on the folder), gateway, API
// address, workers, API, admin socket. On an error all that was started is stopped again.
func startServer(ctx context.Context, o serverOptions) (s *server, err error) {
	s = &server{serverOptions: o, failed: make(chan error, 8), confirmed: make(chan struct{})}
	s.workersCtx, s.stopWorkers = context.WithCancel(context.WithoutCancel(ctx))
	s.backCtx, s.stopBack = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop(context.WithoutCancel(ctx)))
			s = nil
		}
	}()
	for _, start := range []func(context.Context) error{
		s.startTelemetry, s.openStore, s.openGateway, s.listen, s.startWorkers, s.startAPI, s.startAdmin,
	} {
		if err := start(ctx); err != nil {
			return s, err
		}
	}
	s.log.Info("started", slog.String("address", s.listener.Addr().String()), slog.String("data", o.settings.Data),
		slog.String("version", o.version.Version), slog.String("mode", stripeMode(s.stripe.Live())),
		slog.Uint64("generation", s.store.Meta().Generation), slog.String("boot", s.store.Meta().BootName()))
	return s, nil
}

func (s *server) startTelemetry(ctx context.Context) error {
	var err error
	if s.registry, err = telemetry.NewRegistry(s.version.Version); err != nil {
		return err
	}
	s.metrics = s.registry
	if s.catalog != nil {
		s.metrics = s.catalog(s.registry)
	}
	dropped, err := telemetry.NewDropped(s.metrics)
	if err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.settings.LogLevel)); err != nil {
		return fmt.Errorf("log_level: %w", err)
	}
	s.log = telemetry.NewLogger(s.logs, level, dropped)
	s.tracing, err = telemetry.NewTracing(ctx, telemetry.TracingConfig{
		Endpoint: s.settings.OTLPEndpoint, Ratio: s.settings.TraceRatio, Version: s.version.Version,
	})
	return err
}

func (s *server) openStore(ctx context.Context) error {
	store, err := openEngine(ctx, s.settings, s.log)
	if err != nil {
		return err
	}
	s.store = store
	s.keys = access.NewAuthenticator(access.Config{Store: store})
	if s.prepare != nil {
		return s.prepare(ctx, store)
	}
	return nil
}

func (s *server) openGateway(ctx context.Context) error {
	kept, known, err := s.store.Account(ctx)
	if err != nil {
		return err
	}
	s.stripe, err = gateway.New(gateway.Config{
		APIKey:  gateway.NewSecret(s.settings.StripeAPIKey.Reveal()),
		BaseURL: s.settings.StripeURL, Installation: s.store.Meta().Installation,
		Timeout: s.settings.StripeTimeout, RatePerSecond: s.settings.StripeRate,
		Logger: s.log, Registerer: s.metrics, Tracer: s.tracing,
	})
	if err == nil && known {
		err = judgeMode(s.settings, kept, s.stripe.Live())
	}
	return err
}

func (s *server) listen(ctx context.Context) error {
	var err error
	s.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", s.settings.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w; another server may use the address: choose one with --listen", err)
	}
	return nil
}

// url is where the API can be reached from this machine.
func (s *server) url() string { return "http://" + s.listener.Addr().String() }

// wait serves until ctx ends or a part fails, then stops everything.
func (a *app) wait(ctx context.Context, s *server) error {
	if a.onReady != nil {
		a.onReady(s)
	}
	var failure error
	select {
	case <-ctx.Done():
		s.log.Info("stopping")
	case failure = <-s.failed:
		s.log.Error("stopping after a failure", slog.String("error", failure.Error()))
	}
	return errors.Join(failure, s.stop(context.WithoutCancel(ctx)))
}

// stop ends the parts in the order that loses nothing: not ready, no new connections, requests finished, workers
// drained, store closed. Every step is bounded. It may be called on a server that has only partly started.
func (s *server) stop(ctx context.Context) error {
	var errs []error
	if s.api != nil {
		s.api.Drain()
	}
	if s.http != nil {
		bounded, cancel := context.WithTimeout(ctx, s.settings.DrainTimeout)
		if err := s.http.Shutdown(bounded); err != nil {
			s.log.Warn("requests took too long and were cut off", slog.Duration("timeout", s.settings.DrainTimeout))
			errs = append(errs, s.http.Close())
		}
		cancel()
	} else if s.listener != nil {
		errs = append(errs, s.listener.Close())
	}
	if s.admin != nil {
		errs = append(errs, s.admin.close(ctx))
	}
	s.serving.Wait()
	s.stopWorkers()
	s.workers.Wait()
	s.stopBack()
	s.background.Wait()
	if s.stripe != nil {
		s.stripe.Close()
	}
	if s.store != nil {
		if err := s.store.Close(); err != nil {
			errs = append(errs, fmt.Errorf("close the store: %w", err))
		}
	}
	if s.tracing != nil {
		if err := s.tracing.Shutdown(ctx); err != nil {
			s.log.Warn("the last traces were not exported", slog.String("error", err.Error()))
		}
	}
	if s.log != nil {
		s.log.Info("stopped")
	}
	return errors.Join(errs...)
}

// fail reports that a part has ended by itself. Only the first few are kept: one is enough to stop.
func (s *server) fail(part string, err error) {
	if err == nil {
		return
	}
	select {
	case s.failed <- fmt.Errorf("%s: %w", part, err):
	default:
	}
}

func stripeMode(live bool) string {
	if live {
		return "live"
	}
	return "test"
}

const (
	pruneEvery = 10 * time.Minute
	pruneBound = time.Minute
)
