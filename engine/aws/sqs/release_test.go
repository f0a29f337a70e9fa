package sqs_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// TestReleaseCrash: whatever fails in the middle of a release leaves the message once or twice, with what it carries.
func TestReleaseCrash(t *testing.T) {
	for name, c := range map[string]struct {
		action string
		before bool // the call's effect
		want   int
		err    bool
	}{
		"nothing fails":              {"", false, 1, false},
		"not sent":                   {"SendMessageBatch", true, 1, true},
		"sent, the answer lost":      {"SendMessageBatch", false, 2, true},
		"sent, not deleted":          {"DeleteMessageBatch", true, 2, false},
		"sent, deleted, nobody told": {"DeleteMessageBatch", false, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(time.Now)
				q := open(t, f, nil)
				m := message(1)
				m.Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
				if err := q.Send(t.Context(), []idempotency.Message{m}, "shop"); err != nil {
					t.Fatal(err)
				}
				first := receive(t, q, 1)[0]
				synctest.Wait()
				time.Sleep(2 * time.Minute) // the bubble's: it expires, and this delivery counts
				d := receive(t, q, 1)[0]
				fail := func(action string) error {
					if action == c.action {
						return errCut
					}
					return nil
				}
				if c.before {
					f.before = fail
				} else {
					f.after = fail
				}
				if err := q.Release(t.Context(), d.Receipt, 90*time.Second); (err != nil) != c.err {
					t.Errorf("release: %v", err)
				}
				f.before, f.after = nil, nil
				if f.left() != c.want {
					t.Fatalf("%d messages, want %d", f.left(), c.want)
				}
				for range c.want {
					got := receive(t, q, 1)[0]
					if got.Operation != first.Operation || got.Trace != m.Trace || !got.Enqueued.Equal(first.Enqueued) {
						t.Errorf("got %+v, first %+v", got, first)
					}
					if !c.err && c.want == 1 && got.Receives != 2 {
						t.Errorf("after one expiry and one release it was received %d times", got.Receives)
					}
				}
				if got := f.groups[len(f.groups)-1]; got != "shop" {
					t.Errorf("the fresh message is of group %q", got)
				}
			})
		})
	}
}

// TestReleaseLate: a delivery whose visibility has ended is not ours to replace.
func TestReleaseLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(time.Now)
		q := open(t, f, nil)
		send(t, q, 1)
		d := receive(t, q, 1)[0]
		time.Sleep(time.Minute)
		wantError(t, "release", q.Release(t.Context(), d.Receipt, 0), queue.ErrStaleReceipt)
		if f.left() != 1 {
			t.Errorf("%d messages", f.left())
		}
	})
}

// TestOtherProcess: what SQS does not report about an older handle is harmless.
func TestOtherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(time.Now)
		here, there := open(t, f, nil), open(t, f, nil)
		send(t, here, 1)
		old := receive(t, here, 1)[0]
		time.Sleep(time.Minute)
		latest := receive(t, there, 1)[0]
		if verdicts, err := here.Extend(t.Context(), []queue.Receipt{old.Receipt}, time.Minute); err != nil || !errors.Is(verdicts[0], queue.ErrStaleReceipt) {
			t.Errorf("extend: %v, %v", verdicts, err)
		}
		if verdicts, err := here.Delete(t.Context(), []queue.Receipt{old.Receipt}); err != nil || verdicts[0] != nil || f.left() != 1 {
			t.Errorf("delete by the older handle: %v, %v, %d left", verdicts, err, f.left())
		}
		if verdicts, err := here.Delete(t.Context(), []queue.Receipt{latest.Receipt}); err != nil || !errors.Is(verdicts[0], queue.ErrStaleReceipt) {
			t.Errorf("a receipt of another process: %v, %v", verdicts, err)
		}
		if verdicts, err := there.Delete(t.Context(), []queue.Receipt{latest.Receipt}); err != nil || verdicts[0] != nil || f.left() != 0 {
			t.Errorf("delete: %v, %v, %d left", verdicts, err, f.left())
		}
	})
}
