package embedded_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"golang.org/x/sys/unix"

	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// callers is how many payments are under way at once in every benchmark.
const callers = 64

// BenchmarkPayment takes payments through accept, receive, claim, settle with outcome, and delete, and beside it writes
// the same bytes to an append-only log that is synced for each group of callers. Ratios of the two are what carries
// over from one machine to another.
//
// PAYONCE_BENCH_PRELOAD=n puts n settled payments into the store first. The metrics, per payment:
// cpu-us (user and system time of the whole process), bytes (given to write calls, log and file together),
// accept-p99-us; for the log also; caller-cpu-us, what making the Changes takes without storing them; cpu-ratio, the
// store without that against the log; and p99-ratio.
func BenchmarkPayment(b *testing.B) {
	for _, reference := range []bool{false, true} {
		b.Run(fmt.Sprintf("reference=%v", reference), func(b *testing.B) {
			dir := b.TempDir()
			s, err := embedded.Open(b.Context(), embedded.Config{Dir: dir})
			if err != nil {
				b.Fatal(err)
			}
			defer func() {
				if err := s.Close(); err != nil {
					b.Error(err)
				}
			}()
			preload(b, s)
			store := measure(b, func(n int64) time.Duration { return payment(b, s, n, reference) })
			made := measure(b, func(n int64) time.Duration { return makeOnly(n, reference) })
			log := openLog(b, filepath.Join(dir, "floor.log"))
			floor := measure(b, func(n int64) time.Duration { return log.payment(b, n) })

			b.ReportMetric(0, "ns/op")
			b.ReportMetric(store.cpu, "cpu-us/payment")
			b.ReportMetric(floor.cpu, "log-cpu-us/payment")
			b.ReportMetric(made.cpu, "caller-cpu-us/payment")
			b.ReportMetric((store.cpu-made.cpu)/floor.cpu, "cpu-ratio")
			b.ReportMetric(store.written, "bytes/payment")
			b.ReportMetric(floor.written, "log-bytes/payment")
			b.ReportMetric(store.p99, "accept-p99-us")
			b.ReportMetric(floor.p99, "log-p99-us")
			b.ReportMetric(store.p99/floor.p99, "p99-ratio")
			b.ReportMetric(store.rate, "payments/s")
			b.ReportMetric(floor.rate, "log-payments/s")
		})
	}
}

type result struct{ cpu, written, p99, rate float64 }

// measure runs b.N payments from all callers. do gives how long the payment's accept took.
func measure(b *testing.B, do func(n int64) time.Duration) result {
	var next atomic.Int64
	var mu sync.Mutex
	var accepts []time.Duration
	cpu, written, start := cpuTime(b), bytesWritten(b), time.Now()
	b.ResetTimer()
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			var own []time.Duration
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				own = append(own, do(n))
			}
			mu.Lock()
			accepts = append(accepts, own...)
			mu.Unlock()
		})
	}
	wg.Wait()
	b.StopTimer()
	n := float64(b.N)
	slices.Sort(accepts)
	return result{
		cpu: float64((cpuTime(b) - cpu).Microseconds()) / n, written: float64(bytesWritten(b)-written) / n,
		p99: float64(accepts[len(accepts)*99/100].Microseconds()), rate: n / time.Since(start).Seconds(),
	}
}

// runs makes the keys of each run of a benchmark its own.
var runs atomic.Int64

// payment takes one payment through its life. Each caller accepts one and then works on whichever comes.
func payment(b *testing.B, s *embedded.Store, n int64, withReference bool) time.Duration {
	ctx := context.Background()
	accept := newPayment(n, withReference)
	start := time.Now()
	if err := s.Commit(ctx, accept); err != nil {
		b.Error(err)
		return 0
	}
	took := time.Since(start)
	got, err := s.Receive(ctx, 1, time.Minute)
	if err != nil {
		b.Error(err)
		return took
	}
	r, err := s.Load(ctx, got[0].Operation)
	if err != nil {
		b.Error(err)
		return took
	}
	claim := enginetest.Claim(time.Now(), r, "1.1/17")
	if err := s.Commit(ctx, claim); err != nil {
		b.Error(err)
	}
	if err := s.Commit(ctx, enginetest.Settle(time.Now(), *claim.Record, idempotency.Succeeded)); err != nil {
		b.Error(err)
	}
	if _, err := s.Delete(ctx, []queue.Receipt{got[0].Receipt}); err != nil {
		b.Error(err)
	}
	return took
}

func newPayment(n int64, withReference bool) idempotency.Change {
	reference := ""
	key := fmt.Sprintf("%d-%d-%d", time.Now().UnixNano(), runs.Add(1), n)
	if withReference {
		reference = "order-" + key
	}
	return enginetest.Accept(time.Now(), "shop", key, reference)
}

// makeOnly makes a payment's Changes and stores nothing: what the callers of the store cost.
func makeOnly(n int64, withReference bool) time.Duration {
	accept := newPayment(n, withReference)
	claim := enginetest.Claim(time.Now(), *accept.Record, "1.1/17")
	settle := enginetest.Settle(time.Now(), *claim.Record, idempotency.Succeeded)
	return time.Duration(len(settle.Record.History))
}

// syncedLog is the floor: callers hand over bytes, one writer appends what waits and syncs.
type syncedLog struct {
	entries chan logEntry
	steps   [][]byte // the bytes of accept, claim, settle and delete
}

type logEntry struct {
	bytes []byte
	done  chan struct{}
}

func openLog(b *testing.B, path string) *syncedLog {
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	l := &syncedLog{entries: make(chan logEntry, 512), steps: logSteps(b)}
	var wg sync.WaitGroup
	wg.Go(func() { l.loop(b, f) })
	b.Cleanup(func() {
		close(l.entries)
		wg.Wait()
		if err := f.Close(); err != nil {
			b.Error(err)
		}
	})
	return l
}

// logSteps encodes what the store is given for one payment.
func logSteps(b *testing.B) [][]byte {
	now := time.Now()
	accept := enginetest.Accept(now, "shop", strconv.FormatInt(now.UnixNano(), 10), "order-1")
	claim := enginetest.Claim(now, *accept.Record, "1.1/17")
	settle := enginetest.Settle(now, *claim.Record, idempotency.Succeeded)
	join := func(parts ...any) (all []byte) {
		for _, p := range parts {
			enc, err := cbor.Marshal(p)
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, enc...)
		}
		return all
	}
	return [][]byte{
		join(accept.Record, accept.Record.Request, accept.Messages), join(claim.Record, claim.Record.Frozen),
		join(settle.Record, settle.Outcome), join(accept.Record.ID),
	}
}

func (l *syncedLog) loop(b *testing.B, f *os.File) {
	var buf bytes.Buffer
	var waiting []chan struct{}
	for e := range l.entries {
		buf.Reset()
		waiting = waiting[:0]
		for {
			buf.Write(e.bytes)
			waiting = append(waiting, e.done)
			if len(l.entries) == 0 || len(waiting) == 512 {
				break
			}
			e = <-l.entries
		}
		if _, err := f.Write(buf.Bytes()); err != nil {
			b.Error(err)
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			b.Error(err)
		}
		for _, done := range waiting {
			done <- struct{}{}
		}
	}
}

func (l *syncedLog) payment(_ *testing.B, _ int64) time.Duration {
	done := make(chan struct{}, 1)
	start := time.Now()
	var took time.Duration
	for i, step := range l.steps {
		l.entries <- logEntry{step, done}
		<-done
		if i == 0 {
			took = time.Since(start)
		}
	}
	return took
}

// preload fills the store with settled payments, each in one commit.
func preload(b *testing.B, s *embedded.Store) {
	want, err := strconv.Atoi(os.Getenv("PAYONCE_BENCH_PRELOAD"))
	if err != nil {
		return // not asked for
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 8 * callers {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(want); n = next.Add(1) {
				accept := newPayment(n, true)
				claim := enginetest.Claim(time.Now(), *accept.Record, "1.1/17")
				c := enginetest.Settle(time.Now(), *claim.Record, idempotency.Succeeded)
				c.Record.Version, c.Expect, c.WriteRequest, c.Freeze = 1, 0, true, true
				if err := s.Commit(context.Background(), c); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// bytesWritten is what this process gave to write calls.
func bytesWritten(b *testing.B) int64 {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Skip("only Linux counts the bytes that a process writes")
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte("wchar: ")); ok {
			n, err := strconv.ParseInt(string(bytes.TrimSpace(rest)), 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	b.Fatal("/proc/self/io says nothing of wchar")
	return 0
}
