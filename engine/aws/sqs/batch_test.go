package sqs_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/payonce/payonce/engine/aws/sqs"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// TestSendPartly: of a batch that concurrent senders share, each hears of its own message, and only what may yet succeed
// is sent again.
func TestSendPartly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(time.Now)
		f.lag = 5 * time.Millisecond
		q := open(t, f, nil)
		busy, refused := "ServiceUnavailable", "InvalidMessageContents"
		batches := 0
		f.entry = func(_ string, n int) *types.BatchResultErrorEntry {
			if n == 0 {
				batches++
			}
			switch {
			case batches == 2 && n == 1:
				return &types.BatchResultErrorEntry{Code: &busy}
			case batches == 2 && n == 2:
				return &types.BatchResultErrorEntry{Code: &refused, SenderFault: true}
			}
			return nil
		}
		errs := make([]error, 5)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { errs[i] = q.Send(t.Context(), []idempotency.Message{message(i)}, "shop") })
		}
		wg.Wait()
		failed := 0
		for _, err := range errs {
			var entry *sqs.EntryError
			if errors.As(err, &entry) && entry.Code == refused && entry.SenderFault {
				failed++
			} else if err != nil {
				t.Error(err)
			}
		}
		if got := f.sizes("SendMessageBatch"); failed != 1 || !slices.Equal(got, []int{1, 4, 1}) || f.left() != 4 {
			t.Errorf("%d senders failed, batches of %v, %d messages on the queue", failed, got, f.left())
		}
	})
}

func TestDeleteAndExtendPartly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(time.Now)
		q := open(t, f, nil)
		send(t, q, 1, 2, 3, 4)
		got := receive(t, q, 4)
		var receipts []queue.Receipt
		for _, d := range got {
			receipts = append(receipts, d.Receipt)
		}
		stale, busy, denied := "ReceiptHandleIsInvalid", "InternalError", "AccessDenied"
		first := true
		f.entry = func(_ string, n int) *types.BatchResultErrorEntry {
			switch {
			case first && n == 1:
				return &types.BatchResultErrorEntry{Code: &busy, SenderFault: true}
			case first && n == 2:
				return &types.BatchResultErrorEntry{Code: &stale, SenderFault: true}
			case first && n == 3:
				first = false
				return &types.BatchResultErrorEntry{Code: &denied, SenderFault: true}
			}
			return nil
		}
		check := func(what string, verdicts []error, err error) {
			t.Helper()
			var entry *sqs.EntryError
			if len(verdicts) != 4 || verdicts[0] != nil || verdicts[1] != nil || !errors.Is(verdicts[2], queue.ErrStaleReceipt) ||
				!errors.As(verdicts[3], &entry) || !errors.As(err, &entry) || entry.Code != denied {
				t.Errorf("%s: %v, %v", what, verdicts, err)
			}
		}
		verdicts, err := q.Extend(t.Context(), receipts, 2*time.Minute)
		check("extend", verdicts, err)
		first = true
		verdicts, err = q.Delete(t.Context(), receipts)
		check("delete", verdicts, err)
		for _, action := range []string{"ChangeMessageVisibilityBatch", "DeleteMessageBatch"} {
			if got := f.sizes(action); !slices.Equal(got, []int{4, 1}) {
				t.Errorf("%s in batches of %v", action, got)
			}
		}
		// The one that was left undecided can be deleted after all.
		if _, err := q.Delete(t.Context(), receipts[3:]); err != nil || f.left() != 1 {
			t.Errorf("%v, %d left", err, f.left())
		}
	})
}

// TestLinger: who is alone waits for nobody; others wait for the linger at most, and a full call waits for nothing.
func TestLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(time.Now)
		f.lag = 10 * time.Millisecond
		q := open(t, f, func(c *sqs.Config) { c.DeleteLinger = 20 * time.Millisecond })
		began := time.Now()
		took := make(chan time.Duration, 32)
		one := func(n int) {
			go func() {
				if err := q.Send(t.Context(), []idempotency.Message{message(n)}, ""); err != nil {
					t.Error(err)
				}
				took <- time.Since(began)
			}()
			synctest.Wait()
		}
		want := func(n int, d time.Duration) {
			t.Helper()
			for range n {
				if got := <-took; got != d {
					t.Errorf("it took %s, want %s", got, d)
				}
			}
		}
		one(0)
		want(1, 10*time.Millisecond) // alone
		began = time.Now()
		for i := range 4 {
			one(i)
		}
		want(1, 10*time.Millisecond)
		want(3, 12*time.Millisecond)
		began = time.Now()
		for i := range 1 + 10 {
			one(i)
		}
		want(11, 10*time.Millisecond) // one alone, ten in a full call
		got := f.sizes("SendMessageBatch")
		slices.Sort(got[3:]) // those two are under way at the same moment
		if !slices.Equal(got, []int{1, 1, 3, 1, 10}) {
			t.Errorf("batches of %v", got)
		}

		// Deletes wait while other messages are in hand.
		send(t, q, 1, 2, 3)
		d := receive(t, q, 3)
		began = time.Now()
		for i := range 3 {
			go func() {
				if _, err := q.Delete(t.Context(), []queue.Receipt{d[i].Receipt}); err != nil {
					t.Error(err)
				}
				took <- time.Since(began)
			}()
			synctest.Wait()
			if i == 1 {
				want(2, 30*time.Millisecond)
				began = time.Now()
			}
			if i == 2 {
				want(1, 10*time.Millisecond) // the last one in hand
			}
		}
		// Ten at once go at once.
		send(t, q, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
		d = receive(t, q, 10)
		receive(t, q, 1)
		began = time.Now()
		var wg sync.WaitGroup
		for i := range d {
			wg.Go(func() {
				if _, err := q.Delete(t.Context(), []queue.Receipt{d[i].Receipt}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := f.sizes("DeleteMessageBatch"); time.Since(began) != 10*time.Millisecond || !slices.Equal(got, []int{2, 1, 10}) {
			t.Errorf("ten deletes took %s, batches of %v", time.Since(began), got)
		}
	})
}

// TestLeaving: a caller whose context ends while its message waits takes back its own and nobody else's.
func TestLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(time.Now)
		f.lag = 50 * time.Millisecond
		q := open(t, f, func(c *sqs.Config) { c.Lanes = 1 })
		ctx, cancel := context.WithCancel(t.Context())
		errs := make([]error, 4)
		var wg sync.WaitGroup
		for i, ctx := range []context.Context{ctx, t.Context(), ctx, t.Context()} {
			wg.Go(func() { errs[i] = q.Send(ctx, []idempotency.Message{message(i)}, "") })
			synctest.Wait() // the first is on its way, the others wait for the lane
		}
		cancel()
		wg.Wait()
		wantError(t, "on its way", errs[0], context.Canceled)
		wantError(t, "waited", errs[2], context.Canceled)
		if errs[1] != nil || errs[3] != nil {
			t.Errorf("others: %v, %v", errs[1], errs[3])
		}
		if got := f.sizes("SendMessageBatch"); !slices.Equal(got, []int{1, 2}) {
			t.Errorf("batches of %v", got)
		}
	})
}

// TestClose: what was handed over is done, what comes later is refused, and polls end.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(time.Now)
		f.lag = 50 * time.Millisecond
		q := open(t, f, func(c *sqs.Config) { c.Lanes, c.SendLinger = 1, time.Hour })
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				if err := q.Send(t.Context(), []idempotency.Message{message(i)}, ""); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if err := q.Close(); err != nil {
			t.Error(err)
		}
		if f.left() != 30 {
			t.Errorf("%d messages on the queue after closing", f.left())
		}
		wg.Wait()
		wantError(t, "send", q.Send(t.Context(), []idempotency.Message{message(1)}, ""), queue.ErrClosed)
		_, err := q.Depth(t.Context())
		wantError(t, "depth", err, queue.ErrClosed)

		q = open(t, newFake(time.Now), nil)
		done := make(chan error)
		go func() {
			_, err := q.Receive(t.Context(), 1, time.Minute)
			done <- err
		}()
		synctest.Wait()
		if err := q.Close(); err != nil {
			t.Error(err)
		}
		wantError(t, "poll", <-done, queue.ErrClosed)
	})
}
