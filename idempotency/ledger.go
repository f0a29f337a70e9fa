package idempotency

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/payonce/payonce/events"
)

// Change is one commit: data that an engine makes durable, all of it or nothing that was acknowledged.
//
// Commit order for engines that cannot do it in one transaction: record (with the reference holder), then
// messages, then the outcome; Record.Published is stored as true only once the outcome is durable.
type Change struct {
	// Record is the new record; nil if only messages or a letter are written. Record.Version is Expect + 1.
	Record *Record
	// Expect is the version that must be stored now; 0: no record may exist. Otherwise *StaleError.
	// The version grows with every commit, so this compares the fence too.
	Expect uint64
	// WriteRequest says that Record.Request is new, Freeze that Record.Frozen is.
	WriteRequest, Freeze bool
	// Messages are put on the work queue.
	Messages []Message
	// Outcome is appended to the feed of the tenant.
	Outcome *events.Outcome
	// Letter is opened, or the record's open letter is resolved.
	Letter *Letter
}

// Empty reports whether there is nothing to commit.
func (c Change) Empty() bool {
	return c.Record == nil && len(c.Messages) == 0 && c.Outcome == nil && c.Letter == nil
}

// Message is work to be put on the queue. It names an operation and nothing else that matters.
type Message struct {
	Operation events.ID
	Delay     time.Duration // 0 to MaxMessageDelay
	Trace     string        // W3C traceparent, or empty
}

// MaxMessageDelay is the longest delay that a queue holds; longer waits are the janitor's (rule 12).
const MaxMessageDelay = 15 * time.Minute

// Letter is a dead letter: a row of its own that points at a record. It is not a state.
type Letter struct {
	Operation events.ID
	Tenant    string // empty for an orphan
	Class     AttentionClass
	Reason    string // a sentence for operators, free of the app's data
	Resolved  bool   // true: the open letters of this operation are resolved
	At        Instant
}

// Errors of a Ledger.
var (
	// ErrNotFound: no record exists for this id.
	ErrNotFound = errors.New("no record of this operation")
	// ErrStale is what *StaleError matches.
	ErrStale = errors.New("the record has changed since it was read")
	// ErrHeld is what *HeldError matches.
	ErrHeld = errors.New("another payment holds the reference")
)

// StaleError refuses a Change whose Expect is not the stored version. Nothing was written.
type StaleError struct {
	Current Record // as stored; State is Absent where no record exists
}

// Error says which version was met.
func (e *StaleError) Error() string {
	return fmt.Sprintf("%v: it is at version %d", ErrStale, e.Current.Version)
}

// Is matches ErrStale.
func (e *StaleError) Is(target error) bool { return target == ErrStale }

// HeldError refuses a Change whose record would hold a reference that another payment holds (rule 9).
// Nothing was written.
type HeldError struct {
	Holder Record
}

// Error names the holder.
func (e *HeldError) Error() string {
	return fmt.Sprintf("%v: %s, %s", ErrHeld, e.Holder.ID, e.Holder.State)
}

// Is matches ErrHeld.
func (e *HeldError) Is(target error) bool { return target == ErrHeld }

// Ledger is the durable store of records: the port that every engine drives.
//
// All methods are safe for concurrent use. A Commit that returns an error which is neither *StaleError nor
// *HeldError may or may not have taken effect (ctx ended, the disk failed): read before concluding.
type Ledger interface {
	// Load reads the record of one operation, Request and Frozen included. ErrNotFound if there is none.
	Load(ctx context.Context, id events.ID) (Record, error)

	// Commit makes a Change durable: synced, or conditionally written, when it returns nil.
	// At most one record per (tenant, reference) has Holds set; a Change that would break this is refused with
	// *HeldError. An existing record answers first: *StaleError comes before *HeldError (rule 2).
	Commit(ctx context.Context, c Change) error

	// Due lists up to limit operations whose Due is at or before now, the oldest first.
	Due(ctx context.Context, now Instant, limit int) ([]events.ID, error)

	// AtomicAccept reports whether record and message are one commit, so that a stored record always has its
	// message. Where it is false, a repeat of a never-claimed operation sends its message again (rule 1).
	AtomicAccept() bool
}
