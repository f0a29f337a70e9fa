package sandbox

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkTwoSteps is one payment: create, confirm with the charge expanded. core: no journal and no socket; journal: 64
// callers that share its syncs.
func BenchmarkTwoSteps(b *testing.B) {
	b.Run("core", func(b *testing.B) {
		core, err := New(Options{})
		if err != nil {
			b.Fatal(err)
		}
		now := time.UnixMilli(1_800_000_000_000)
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			core.Handle(benchCreate(n), now, Fault{})
			core.Handle(benchConfirm(core.lastID(), n), now, Fault{})
		}
	})
	b.Run("journal", func(b *testing.B) {
		s, err := Open(Config{Path: filepath.Join(b.TempDir(), "journal")})
		if err != nil {
			b.Fatal(err)
		}
		var n atomic.Int64
		b.SetParallelism(32)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				k := int(n.Add(1))
				id := ""
				if err := s.Do(func(core *Stripe, now time.Time) {
					core.Handle(benchCreate(k), now, Fault{})
					id = core.lastID()
				}); err != nil {
					b.Error(err)
				}
				if err := s.Do(func(core *Stripe, now time.Time) { core.Handle(benchConfirm(id, k), now, Fault{}) }); err != nil {
					b.Error(err)
				}
			}
		})
		stats, err := s.Stats()
		if err != nil || stats.Charges != int(n.Load()) {
			b.Errorf("%d charges for %d payments, %v", stats.Charges, n.Load(), err)
		}
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
}

func (s *Stripe) lastID() string {
	for _, ids := range s.lists {
		return ids[len(ids)-1]
	}
	return ""
}

const benchBody = "amount=1000&currency=eur&payment_method_types%5B%5D=card&metadata%5Bpayonce_installation%5D=0123456789abcdef&" +
	"metadata%5Bpayonce_tenant%5D=t&metadata%5Bpayonce_reference%5D="

func benchCreate(n int) Request {
	return Request{
		Method: "POST", Path: create, Authorization: testKey, IdempotencyKey: fmt.Sprint("create-", n),
		Body: fmt.Sprintf("%s%032x&metadata%%5Bpayonce_id%%5D=pay_%032x", benchBody, n, n),
	}
}

func benchConfirm(id string, n int) Request {
	return Request{
		Method: "POST", Path: create + "/" + id + "/confirm", Authorization: testKey, IdempotencyKey: fmt.Sprint("confirm-", n),
		Body: "payment_method=pm_card_visa&expand%5B%5D=latest_charge",
	}
}
