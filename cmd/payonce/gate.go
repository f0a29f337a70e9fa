package main

import (
	"context"
	"sync/atomic"

	"github.com/payonce/payonce/idempotency"
)

// gate is the window that a restored ledger may have forgotten, as the workers see it.
type gate struct {
	window atomic.Pointer[idempotency.Window]
	store  func(ctx context.Context) error // forgets it durably
}

func newGate(window *idempotency.Window, store func(ctx context.Context) error) *gate {
	g := &gate{store: store}
	g.window.Store(window)
	return g
}

// current is the window, or nil in normal work.
func (g *gate) current() *idempotency.Window { return g.window.Load() }

// close forgets the window: first in the store, then here.
func (g *gate) close(ctx context.Context) error {
	if err := g.store(ctx); err != nil {
		return err
	}
	g.window.Store(nil)
	return nil
}
