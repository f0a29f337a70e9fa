package sqs_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/payonce/payonce/engine/aws/sqs"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// TestTrouble: what is temporary is repeated until it works or patience ends, and nothing else is repeated.
func TestTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		again bool
	}{
		"throttled":   {&types.RequestThrottled{}, true},
		"kms":         {&types.KmsThrottled{}, true},
		"fault":       {&smithy.GenericAPIError{Code: "Odd", Fault: smithy.FaultServer}, true},
		"cut answer":  {&smithy.DeserializationError{Err: errCut}, true},
		"timed out":   {context.DeadlineExceeded, true},
		"denied":      {&smithy.GenericAPIError{Code: "AccessDenied", Fault: smithy.FaultClient}, false},
		"unsupported": {&types.UnsupportedOperation{}, false},
		"ours":        {errCut, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(time.Now)
				q := open(t, f, nil)
				calls, good := 0, 3
				f.before = func(string) error {
					if calls++; calls < good {
						return c.err
					}
					return nil
				}
				err := q.Send(t.Context(), []idempotency.Message{message(1)}, "")
				if c.again && (err != nil || calls != 3) || !c.again && (!errors.Is(err, c.err) || calls != 1) {
					t.Errorf("%d calls, %v", calls, err)
				}
				if !c.again {
					return
				}
				calls, good = 0, 1<<20
				began := time.Now()
				if _, err := q.Receive(t.Context(), 1, time.Minute); !errors.Is(err, c.err) {
					t.Errorf("receive without end: %v", err)
				}
				if took := time.Since(began); took < 7*time.Second || took > 16*time.Second || calls > 20 {
					t.Errorf("%d calls in %s", calls, took)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err = q.Extend(ctx, []queue.Receipt{"x"}, time.Minute)
				wantError(t, "extend of nothing", err, nil)
				wantError(t, "send with an end", q.Send(ctx, []idempotency.Message{message(2)}, ""), context.DeadlineExceeded)
			})
		})
	}
}

func TestUnreadable(t *testing.T) {
	for _, body := range []string{"", "{}", "hello", `{"operation":"pay_1"}`, `{"operation":"pay_00000000000000000000000000000000"}`} {
		t.Run(body, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(time.Now)
				var kept []string
				fail := errCut
				q := open(t, f, func(c *sqs.Config) {
					c.Unreadable = func(_ context.Context, body, id string) error {
						kept = append(kept, id+" "+body)
						return fail
					}
				})
				f.inside(body)
				send(t, q, 1)
				if got := receive(t, q, 10); len(got) != 1 || got[0].Operation != message(1).Operation {
					t.Errorf("got %+v", got)
				}
				if len(kept) != 1 || kept[0] != "1 "+body || f.left() != 2 {
					t.Errorf("kept %q, %d messages left", kept, f.left())
				}
				fail = nil
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
				defer cancel()
				_, err := q.Receive(ctx, 10, time.Minute)
				wantError(t, "an unkept message comes again when its visibility ends, not at once", err, context.DeadlineExceeded)
				time.Sleep(20 * time.Second)
				receive(t, q, 10) // the readable one again
				if len(kept) != 2 || f.left() != 1 {
					t.Errorf("kept %q, %d messages left", kept, f.left())
				}
			})
		})
	}
}

// TestOverLimit: with too many messages in flight receiving rests, and goes on by itself.
func TestOverLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(time.Now)
		q := open(t, f, nil)
		send(t, q, 1)
		calls := 0
		f.before = func(string) error {
			if calls++; calls <= 2 {
				return &types.OverLimit{}
			}
			return nil
		}
		began := time.Now()
		if got := receive(t, q, 1); len(got) != 1 || time.Since(began) != 10*time.Second {
			t.Errorf("got %+v after %s", got, time.Since(began))
		}
	})
}

func TestMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(time.Now)
		q := open(t, f, nil)
		for _, gone := range []error{
			&types.QueueDoesNotExist{}, &smithy.GenericAPIError{Code: "AWS.SimpleQueueService.NonExistentQueue"},
			&smithy.GenericAPIError{Code: "com.amazonaws.sqs#QueueDoesNotExist"},
		} {
			f.before = func(string) error { return gone }
			_, err := sqs.Open(t.Context(), sqs.Config{API: f, Queue: "work", Unreadable: func(context.Context, string, string) error { return nil }})
			wantError(t, "open", err, sqs.ErrMissing)
			_, err = q.Receive(t.Context(), 1, time.Minute)
			wantError(t, "receive", err, sqs.ErrMissing)
			var missing *sqs.MissingError
			err = q.Send(t.Context(), []idempotency.Message{message(1)}, "")
			if !errors.As(err, &missing) || !strings.Contains(err.Error(), `"work"`) || !strings.Contains(err.Error(), "infra/") {
				t.Errorf("send: %v", err)
			}
		}
	})
}
