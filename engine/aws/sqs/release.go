package sqs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/payonce/payonce/queue"
)

// Release makes a delivery visible again after delay, without counting it, by replacing its message: a fresh one with
// that delay, the count so far and the time of the first enqueuing is sent, and then the old one is deleted.
//
// Changing the visibility instead would be one request less, but SQS would count the delivery, so that a payment that
// waits out a rate limit ends in the dead-letter queue; nobody but this process would know what not to count; and a
// message that was received three times moves behind the others.
//
// A crash between the two leaves a duplicate, never a loss. So does a delete that fails, which is logged and not an
// error: the message is back on the queue. A delivery whose visibility has ended by our clock is ErrStaleReceipt and
// nothing is sent.
//
// Errors: ErrLimit; queue.ErrStaleReceipt; queue.ErrClosed; ctx.Err(); of sending: what SQS says after Config.Patience.
func (q *Queue) Release(ctx context.Context, receipt queue.Receipt, delay time.Duration) error {
	if delay < 0 || delay > queue.MaxDelay {
		return fmt.Errorf("%w: releasing for %s", ErrLimit, delay)
	}
	if err := q.check(ctx); err != nil {
		return err
	}
	h, exit, err := q.hands.release(receipt, q.c.Now())
	if err != nil {
		return err
	}
	fresh := h.body
	fresh.EnqueuedMS = h.enqueued.UnixMilli()
	fresh.Receives = h.receives() - 1
	if err := q.send(ctx, outgoing{body: fresh.encode(), group: h.group, delay: seconds(delay)}); err != nil {
		q.hands.left(h, false, err)
		return err
	}
	if _, err := q.deletes.put(ctx, h); err != nil {
		q.released(h, err)
		return nil // the message is back on the queue, which is what was asked for
	}
	select {
	case <-exit.done:
	case <-ctx.Done(): // the delete goes on
	}
	return nil
}

// released ends a release whose fresh message is durable; err is what became of deleting the old one.
func (q *Queue) released(h *hand, err error) {
	q.hands.left(h, true, nil)
	if err != nil {
		q.c.Logger.Warn("a released message could not be deleted and will come twice",
			slog.String("payment", h.body.Operation.String()), slog.String("error", err.Error()))
	}
}
