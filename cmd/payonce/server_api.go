package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/payonce/payonce/accept"
	"github.com/payonce/payonce/api"
	"github.com/payonce/payonce/gateway"
)

func (s *server) startAPI(context.Context) error {
	meta := s.store.Meta()
	desk, err := accept.New(accept.Config{
		Gate:   func() bool { return s.gate.current() != nil },
		Ledger: s.store, Queue: s.store, Installation: meta.Installation, Secret: meta.Secret[:],
		MaxBacklog: s.settings.MaxBacklog,
	})
	if err != nil {
		return err
	}
	if err := s.metrics.Register(newQueueMetrics(s.store)); err != nil {
		return err
	}
	s.api, err = api.New(api.Config{
		Desk: desk, Reader: s.store, Keys: s.keys, Queue: s.store,
		Source: "urn:payonce:" + meta.Installation.String(), Breakers: s.breakers,
		Checks:  []api.Check{{Name: "store", Run: s.checkStore}},
		Metrics: promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}), Registerer: s.metrics,
		Tracers: s.tracing, Logger: s.log,
	})
	if err != nil {
		return err
	}
	s.http = api.NewServer(s.api)
	s.serving.Go(func() {
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			s.fail("API", err)
		}
	})
	return nil
}

// breakers lists the reasons for which workers may be told to stop. Where both apply, the longer one is shown.
func (s *server) breakers() []api.Breaker {
	reason, open, until := s.stripe.Stopped()
	var all []api.Breaker
	for _, r := range []gateway.StopReason{gateway.StopUnreachable, gateway.StopCredentials} {
		b := api.Breaker{Name: "stripe_" + string(r)}
		if open && r == reason {
			b.Open, b.Until = true, until
		}
		all = append(all, b)
	}
	return all
}

func (s *server) checkStore(ctx context.Context) error {
	_, err := s.store.Due(ctx, 0, 1)
	return errors.Join(err, s.store.Health())
}
