package sqs_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payonce/payonce/engine/aws/sqs"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// TestSaturation counts calls per payment while there is always more to do: senders that wait for nothing but their own
// sends, and workers that receive as the pool does. A call takes 8 ms, a payment one to two times work.
func TestSaturation(t *testing.T) {
	for _, c := range []struct {
		name             string
		senders, workers int
		work             time.Duration
		most             float64
	}{
		{"64 workers, 80 senders", 80, 64, 50 * time.Millisecond, 0.40},
		{"64 workers at Stripe's pace", 80, 64, 400 * time.Millisecond, 0.45},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const payments = 6000
				f := newFake(time.Now)
				f.lag = 8 * time.Millisecond
				api := sqs.NewCounted(f)
				q := open(t, f, func(o *sqs.Config) { o.API = api })

				var wg sync.WaitGroup
				for s := range c.senders {
					wg.Go(func() {
						for n := s; n < payments; n += c.senders {
							if err := q.Send(t.Context(), []idempotency.Message{message(n)}, "shop"); err != nil {
								t.Error(err)
							}
						}
					})
				}
				slots := make(chan struct{}, c.workers)
				began := time.Now()
				for done := 0; done < payments; {
					slots <- struct{}{}
					free := 1
					for more := true; more && free < queue.MaxBatch; {
						select {
						case slots <- struct{}{}:
							free++
						default:
							more = false
						}
					}
					got, err := q.Receive(t.Context(), free, time.Minute)
					if err != nil {
						t.Fatal(err)
					}
					for range free - len(got) {
						<-slots
					}
					done += len(got)
					for _, d := range got {
						wg.Go(func() {
							time.Sleep(c.work + rand.N(c.work)) // the bubble's
							if _, err := q.Delete(t.Context(), []queue.Receipt{d.Receipt}); err != nil {
								t.Error(err)
							}
							<-slots
						})
					}
				}
				wg.Wait()
				took := time.Since(began)
				counts := api.Counts()
				total := 0.0
				for _, action := range []string{"SendMessageBatch", "ReceiveMessage", "DeleteMessageBatch"} {
					n := counts[action]
					total += float64(n.Calls) / payments
					t.Logf("%-20s %.3f calls per payment", action, float64(n.Calls)/payments)
				}
				t.Logf("together %.3f, %.0f payments a second", total, payments/took.Seconds())
				if f.left() != 0 || total > c.most {
					t.Errorf("%d messages left, %.3f calls per payment, want at most %.2f", f.left(), total, c.most)
				}
			})
		})
	}
}
