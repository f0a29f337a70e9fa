package workers_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// A backup, a hundred charges, a disaster, the backup restored, Stripe's keys forgotten, and every app repeats what it
// has no outcome of. The ledger has forgotten the charges; Stripe has not.
func TestRestoredBackupChargesNobodyAgain(t *testing.T) {
	for _, one := range []bool{false, true} {
		t.Run(fmt.Sprintf("one_step=%t", one), func(t *testing.T) {
			ctx := context.Background()
			s := newStage(t, embeddedEngine, one)
			request := func(n int) string {
				return fmt.Sprintf(`{"amount":%d,"currency":"eur","payment_method":"pm_card_visa","reference":"order-%d"}`, 100+n, n)
			}
			pay := func(from, to int) {
				for n := from; n < to; n++ {
					s.submit(fmt.Sprintf("key-%d", n), request(n))
				}
			}
			pay(0, 20)
			s.work()
			pay(20, 25) // accepted and not yet sent when the backup is taken

			backup := filepath.Join(t.TempDir(), "backup")
			store := s.engine.(*embedded.Store)
			if err := store.Backup(ctx, backup, nil); err != nil {
				t.Fatal(err)
			}
			s.pass(time.Hour)
			pay(25, 120)
			s.work()
			s.charges(120)
			s.pass(26 * time.Hour)
			s.stripe.Forget(s.now)
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}

			s.dir = filepath.Join(t.TempDir(), "restored")
			restored, err := embedded.Restore(ctx, backup, s.dir, s.now)
			if err != nil {
				t.Fatal(err)
			}
			s.gate = &restored.Gate
			s.boots++
			s.engine = embeddedEngine(s)

			// The payer of order 100 pays again under a new key: the ledger does not know that he has paid.
			again := s.submit("key-again", request(100))
			s.work()
			if r, err := s.engine.Load(ctx, again); err != nil || r.State != idempotency.Superseded {
				t.Fatalf("%v %s", err, r.State)
			}
			for n := range 120 {
				key, err := events.ParseKey([]string{fmt.Sprintf("key-%d", n)})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.desk().Submit(ctx, "shop", key, []byte(request(n)), ""); err != nil {
					t.Fatalf("key %d: %v", n, err)
				}
			}
			s.work()
			for n := range 120 {
				key, _ := events.ParseKey([]string{fmt.Sprintf("key-%d", n)})
				r, err := s.engine.Load(ctx, events.PaymentID(installation, "shop", key))
				if err != nil || r.State != idempotency.Succeeded {
					t.Fatalf("order %d: %v %s", n, err, r.State)
				}
			}
			s.charges(120)
		})
	}
}
