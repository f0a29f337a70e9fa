package embedded_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// BenchmarkWaiting puts b.N messages on the queue and tells what they take in memory, then what receiving and deleting
// one costs. Run it with -benchtime 1000000x for a backlog of a million.
func BenchmarkWaiting(b *testing.B) {
	s := open(b, embedded.Config{})
	before := heap()
	for left := b.N; left > 0; left -= 1000 {
		c := idempotency.Change{}
		for i := range min(left, 1000) {
			c.Messages = append(c.Messages, idempotency.Message{Operation: events.ID{1, byte(i), byte(i >> 8)}})
		}
		if err := s.Commit(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(heap()-before)/(1<<20), "heap-MiB")
	b.ReportMetric(float64(s.InMemory()), "messages-in-memory")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkOpen tells how long opening takes on a store of PAYONCE_BENCH_PRELOAD payments.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s, err := embedded.Open(b.Context(), embedded.Config{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	preload(b, s)
	closeStore(b, s)
	info, err := os.Stat(filepath.Join(dir, "payonce.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/(1<<20), "file-MiB")
	b.ResetTimer()
	for range b.N {
		start := time.Now()
		s, err := embedded.Open(b.Context(), embedded.Config{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "open-ms")
		b.StopTimer()
		closeStore(b, s)
		b.StartTimer()
	}
}

// heap is what is in use after a collection, in bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
