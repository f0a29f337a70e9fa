package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/payonce/payonce/gateway/sandbox"
)

// sandboxHost serves a Stripe stand-in over HTTP.
type sandboxHost struct {
	sandbox  *sandbox.Sandbox
	http     *http.Server
	listener net.Listener
	serving  sync.WaitGroup
	failed   chan error
}

const sandboxHeaderBound = 5 * time.Second

// hostSandbox opens the stand-in and serves it on an address.
func hostSandbox(ctx context.Context, address string, c sandbox.Config) (*sandboxHost, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for the Stripe stand-in: %w; choose another address", err)
	}
	box, err := sandbox.Open(c)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the Stripe stand-in: %w", err), listener.Close())
	}
	h := &sandboxHost{
		sandbox: box, listener: listener, failed: make(chan error, 1),
		http: &http.Server{Handler: box.Handler(), ReadHeaderTimeout: sandboxHeaderBound},
	}
	h.serving.Go(func() {
		if err := h.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			h.failed <- fmt.Errorf("serve the Stripe stand-in: %w", err)
		}
	})
	return h, nil
}

func (h *sandboxHost) url() string { return "http://" + h.listener.Addr().String() }

// close cuts off what is under way, as the death of Stripe's side would, and closes the journal.
func (h *sandboxHost) close() error {
	err := h.http.Close()
	h.serving.Wait()
	return errors.Join(err, h.sandbox.Close())
}
