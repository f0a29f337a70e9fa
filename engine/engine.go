// Package engine says what a store of payonce is: ledger, queue, API keys, what may be read, and what an installation
// knows of itself. Package embedded keeps it in one file of one machine; the others are beside it.
package engine

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
	"github.com/payonce/payonce/read"
)

// Engine is an open store. Safe for concurrent use.
type Engine interface {
	idempotency.Ledger
	queue.Consumer
	access.Store
	read.Reader

	// Meta tells what the installation knows of itself.
	Meta() Meta
	// Exclusive reports whether one process at a time can have the store open. Then the leases of all others have ended,
	// whatever the clock says.
	Exclusive() bool
	// Account is the Stripe account that the payments are made in; false if none was kept yet.
	Account(ctx context.Context) (Account, bool, error)
	// KeepAccount notes, durably, where the payments are made. An id may be added to a mode; what is kept is never
	// changed: then it is ErrAccount.
	KeepAccount(ctx context.Context, a Account) error
	// Gate is the window that a restored store may have forgotten; nil in normal work.
	Gate(ctx context.Context) (*idempotency.Window, error)
	// CloseGate forgets the window of Gate, durably: it has been swept.
	CloseGate(ctx context.Context) error
	// PruneEvents removes outcomes from the feed that are older than before, some at a time, and counts them.
	PruneEvents(ctx context.Context, before time.Time) (int64, error)
	// Health is nil while the store can write.
	Health() error
	// Close finishes what was handed over and lets go of everything.
	Close() error
}

// Secret is the installation's 32 random bytes, under which fingerprints are made. It does not print itself.
type Secret [32]byte

// String hides the secret.
func (Secret) String() string { return "[secret]" }

// GoString hides the secret.
func (Secret) GoString() string { return "[secret]" }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// Meta is what an installation knows of itself.
type Meta struct {
	Installation uuid.UUID // drawn at the first start; kept by backup and restore
	Secret       Secret    // likewise
	Generation   uint64    // 1, and more with each restore from a backup
	Boot         uint64    // one more with each start of a process
	Created      idempotency.Instant
	TakenAt      idempotency.Instant // when the backup was taken that was restored; or zero
}

// BootName is the name of this process among all that ever used the store, for the owners of leases.
func (m Meta) BootName() string {
	return strconv.FormatUint(m.Generation, 10) + "." + strconv.FormatUint(m.Boot, 10)
}

// Account is where the payments of a store are made. In another account, or the other mode, none of their charges can
// be found, so whoever looked there would take what is paid for unpaid.
type Account struct {
	ID   string // acct_...; empty while it is not known
	Live bool   // live mode, not test mode
}

// ErrAccount tells that the payments of the store are made in another account or mode.
var ErrAccount = errors.New("the payments of this store are made in another Stripe account or mode")
