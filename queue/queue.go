// Package queue is the consuming port of the work queue: receive, extend, release, delete.
//
// There is no send here. A message enters a queue only inside an idempotency.Change, so that a message without
// its fact, or a fact without its message, cannot be written by accident. Delivery is at least once: a message
// whose visibility ends before it is deleted is delivered again, to anyone.
package queue

import (
	"context"
	"errors"
	"time"

	"github.com/payonce/payonce/events"
)

// Receipt names one delivery of one message. A later delivery of the same message has another receipt, and the
// older one is stale from then on.
type Receipt string

// Delivery is a message that was received and is hidden from others until its visibility ends.
type Delivery struct {
	Receipt   Receipt
	Operation events.ID
	Trace     string // W3C traceparent of whoever sent it, or empty
	// Receives counts how often the message was delivered, this time included; deliveries that ended in a
	// Release are not counted. It only catches poison: the retry budget lives in the record (rule 12).
	Receives int
	Enqueued time.Time // when the message was first put on the queue
}

// ErrStaleReceipt means that the message was deleted, or was delivered again since.
var ErrStaleReceipt = errors.New("the receipt is stale: the message was deleted or delivered again")

// ErrClosed means that the queue was closed.
var ErrClosed = errors.New("the queue is closed")

// Limits of the port, the strictest of the engines (SQS).
const (
	MaxBatch      = 10             // messages per Receive, receipts per Delete and Extend
	MaxVisibility = 12 * time.Hour // in all, from the receive on
	MaxDelay      = 15 * time.Minute
)

// Consumer receives work. Safe for concurrent use.
type Consumer interface {
	// Receive claims up to max (1 to MaxBatch) visible messages and hides them for visibility (1 s to MaxVisibility).
	// It waits until at least one is visible; it returns ctx.Err() when ctx ends first, and ErrClosed.
	Receive(ctx context.Context, max int, visibility time.Duration) ([]Delivery, error)

	// Extend hides deliveries for visibility from now on. One error per receipt, in order: nil or ErrStaleReceipt.
	// The second result is the failure of the whole call.
	Extend(ctx context.Context, receipts []Receipt, visibility time.Duration) ([]error, error)

	// Release makes a delivery visible again after delay (0 to MaxDelay) without counting it as received.
	// ErrStaleReceipt if it is no longer ours.
	Release(ctx context.Context, receipt Receipt, delay time.Duration) error

	// Delete takes deliveries off the queue for good, durably. Deleting a deleted message again is a success;
	// a stale receipt of a message that was delivered again is ErrStaleReceipt and deletes nothing.
	Delete(ctx context.Context, receipts []Receipt) ([]error, error)

	// Depth is how much is there. Cheap enough to be asked on every accept.
	Depth(ctx context.Context) (Depth, error)
}

// Depth is how much is in a queue. A store on one machine is exact; SQS approximates.
type Depth struct {
	Visible  int       // ready to be received
	InFlight int       // received, hidden
	Delayed  int       // not yet visible
	Oldest   time.Time // when the oldest message that is still there was put on the queue; zero if empty
}

// Waiting is all that is not yet done.
func (d Depth) Waiting() int { return d.Visible + d.InFlight + d.Delayed }
