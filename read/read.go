// Package read says what may be read of the ledger besides single records: lists, the feed of outcomes, counts and
// open letters. Engines implement it; the HTTP API and the operators' tools are written against it.
//
// Reading changes nothing. Every method is scoped to one tenant, except where it says otherwise.
package read

import (
	"context"
	"errors"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// Limits of a page, in entries.
const (
	MaxLimit     = 100
	DefaultLimit = 20
)

// ErrCursor means that the cursor was not made by this store, or not for this kind of list.
var ErrCursor = errors.New("the cursor does not belong to this list")

// Reader reads the ledger. Safe for concurrent use; each call is bounded in time by the engine, whatever ctx allows.
type Reader interface {
	// Load reads one record of any tenant, Request included. idempotency.ErrNotFound if there is none.
	// The caller compares the tenant.
	Load(ctx context.Context, id events.ID) (idempotency.Record, error)

	// List gives the payments that match, the newest first. A payment that is accepted while the pages are
	// turned appears on none of the later pages and shifts nothing. ErrCursor.
	List(ctx context.Context, f Filter) (Page, error)

	// Events gives up to limit outcomes of the tenant after a position, oldest first. A position that was
	// committed later is never lower than one that was visible before, so a reader that follows Next misses nothing.
	Events(ctx context.Context, tenant string, after int64, limit int) (Feed, error)

	// Overview counts the tenant's payments.
	Overview(ctx context.Context, tenant string) (Overview, error)
}

// Filter chooses payments. Zero members do not filter.
type Filter struct {
	Tenant       string              // required
	State        idempotency.State   // Absent: all
	Reference    string              // exact
	CreatedAfter idempotency.Instant // exclusive
	Attention    bool                // true: only those that a person should look at
	Cursor       Cursor              // where the page before ended; empty: the newest
	Limit        int                 // 1 to MaxLimit; 0: DefaultLimit
}

// Page is one page of a list, Request included in each record. It may be shorter than the limit, even empty, and still
// have a Next: the engine bounds how long it looks.
type Page struct {
	Records []idempotency.Record
	Next    Cursor // empty: this was the last page
}

// Event is one outcome in the feed.
type Event struct {
	Pos     int64 // grows; not dense, since all tenants share the positions
	Outcome events.Outcome
}

// Feed is a piece of the outcome feed.
type Feed struct {
	Events []Event
	// Next is what to ask after next time: the last position seen, those of other tenants included. Never below
	// the position that was asked after.
	Next int64
	// Pruned is the highest position that retention has removed; 0 if none was. A reader that asks after a lower
	// position (other than 0) may have missed outcomes.
	Pruned int64
	// Generation grows with each restore from a backup. Positions of different generations do not compare.
	Generation uint64
}

// Waiter is a Reader that can tell of new outcomes, for readers that wait.
type Waiter interface {
	// Appended returns a channel that is closed when the next outcome, of any tenant, becomes visible to Events.
	// Take it before reading, then wait on it.
	Appended() <-chan struct{}
}

// Overview counts the payments of a tenant.
type Overview struct {
	States    map[idempotency.State]int64 // states without payments may be missing
	Attention int64                       // payments that a person should look at
}

// Letters reads dead letters, for operators.
type Letters interface {
	// Letters gives the letters that match, the newest first. ErrCursor.
	Letters(ctx context.Context, f LetterFilter) (LetterPage, error)
}

// LetterFilter chooses dead letters. Zero members do not filter.
type LetterFilter struct {
	Tenant string // empty: all tenants, and the letters of nobody (orphans)
	Class  idempotency.AttentionClass
	Open   bool // true: only unresolved ones
	Cursor Cursor
	Limit  int // 1 to MaxLimit; 0: DefaultLimit
}

// LetterPage is one page of letters.
type LetterPage struct {
	Letters []Letter
	Next    Cursor
}

// Letter is a dead letter as it is stored.
type Letter struct {
	Operation events.ID
	Tenant    string // empty for an orphan
	Class     idempotency.AttentionClass
	Reason    string // a sentence, free of the app's data
	Opened    idempotency.Instant
	Resolved  idempotency.Instant // zero while it is open
}
