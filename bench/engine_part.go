package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// engineOrder asks for payments in this process, without HTTP and Stripe.
type engineOrder struct {
	Mode     string
	Dir      string
	Prefix   string
	Payments int
	Callers  int
}

type engineAnswer struct {
	CPU       float64   `json:"cpu_us"` // of the process, its callers included, per payment
	PerSecond float64   `json:"payments_per_second"`
	Accept    latencies `json:"accept"`
	Given     float64   `json:"given_bytes"`   // to write calls, per payment
	Written   float64   `json:"written_bytes"` // to the disk, per payment
	RSS       int64     `json:"rss_bytes"`
	File      int64     `json:"file_bytes"` // of the database
	PageSize  int       `json:"page_bytes"`
	Records   int       `json:"records"`
}

// life takes payment n through its life and tells how long its accept took.
type life func(ctx context.Context, n int64) (time.Duration, error)

func enginePart(ctx context.Context, in io.Reader, out, _ io.Writer) (err error) {
	var o engineOrder
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return err
	}
	var a engineAnswer
	switch o.Mode {
	case engineStore:
		var s *embedded.Store
		if s, err = embedded.Open(ctx, embedded.Config{Dir: o.Dir}); err != nil {
			return err
		}
		a, err = measure(ctx, o, func(ctx context.Context, n int64) (time.Duration, error) { return storeLife(ctx, s, o.Prefix, n) })
		if err == nil {
			a.Records, err = records(ctx, s)
		}
		err = errors.Join(err, s.Close())
		if err == nil {
			a.File, a.PageSize, err = fileOf(o.Dir)
		}
	case engineLog:
		var l *syncedLog
		if l, err = openLog(filepath.Join(o.Dir, "floor.log")); err != nil {
			return err
		}
		a, err = measure(ctx, o, l.life)
		err = errors.Join(err, l.close())
	case engineNone:
		a, err = measure(ctx, o, func(_ context.Context, n int64) (time.Duration, error) { return noLife(o.Prefix, n), nil })
	default:
		err = fmt.Errorf("no engine is called %q", o.Mode)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(a)
}

// measure runs warmUp payments, then the ones that count.
func measure(ctx context.Context, o engineOrder, one life) (a engineAnswer, err error) {
	if _, err := every(ctx, o.Callers, -warmUp, 0, one); err != nil {
		return a, err
	}
	before, err := usageOf(os.Getpid())
	if err != nil {
		return a, err
	}
	start := time.Now()
	took, err := every(ctx, o.Callers, 0, int64(o.Payments), one)
	if err != nil {
		return a, err
	}
	elapsed := time.Since(start)
	after, err := usageOf(os.Getpid())
	n := float64(o.Payments)
	return engineAnswer{
		CPU: perPayment(after.CPU-before.CPU, o.Payments), PerSecond: n / elapsed.Seconds(), Accept: percentiles(took),
		Given: float64(after.Given-before.Given) / n, Written: float64(after.Written-before.Written) / n, RSS: after.RSS,
	}, err
}

// every runs payments from up to below to, each by one of the callers.
func every(ctx context.Context, callers int, from, to int64, one life) ([]time.Duration, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	next.Store(from)
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			var own []time.Duration
			for n := next.Add(1) - 1; n < to && ctx.Err() == nil; n = next.Add(1) - 1 {
				took, err := one(ctx, n)
				if err != nil {
					stop(err)
					return
				}
				own = append(own, took)
			}
			mu.Lock()
			all = append(all, own...)
			mu.Unlock()
		})
	}
	wg.Wait()
	return all, context.Cause(ctx)
}

// storeLife is one payment. Each caller accepts one, and then works on whichever comes.
func storeLife(ctx context.Context, s *embedded.Store, prefix string, n int64) (time.Duration, error) {
	key := prefix + "-" + strconv.FormatInt(n, 10)
	accept := enginetest.Accept(time.Now(), tenant, key, "order-"+key)
	start := time.Now()
	if err := s.Commit(ctx, accept); err != nil {
		return 0, err
	}
	took := time.Since(start)
	got, err := s.Receive(ctx, 1, time.Minute)
	if err != nil {
		return took, err
	}
	r, err := s.Load(ctx, got[0].Operation)
	if err != nil {
		return took, err
	}
	claim := enginetest.Claim(time.Now(), r, worker)
	if err := s.Commit(ctx, claim); err != nil {
		return took, err
	}
	if err := s.Commit(ctx, enginetest.Settle(time.Now(), *claim.Record, idempotency.Succeeded)); err != nil {
		return took, err
	}
	errs, err := s.Delete(ctx, []queue.Receipt{got[0].Receipt})
	return took, errors.Join(append(errs, err)...)
}

const worker = "1.1/w"

// noLife makes what storeLife makes, and stores nothing.
func noLife(prefix string, n int64) time.Duration {
	key := prefix + "-" + strconv.FormatInt(n, 10)
	accept := enginetest.Accept(time.Now(), tenant, key, "order-"+key)
	claim := enginetest.Claim(time.Now(), *accept.Record, worker)
	enginetest.Settle(time.Now(), *claim.Record, idempotency.Succeeded)
	return 0
}

// records counts the payments of the store.
func records(ctx context.Context, s *embedded.Store) (int, error) {
	o, err := s.Overview(ctx, tenant)
	n := 0
	for _, c := range o.States {
		n += int(c)
	}
	return n, err
}

// fileOf gives the size of the database and of its pages, which its header states.
func fileOf(dir string) (size int64, page int, err error) {
	f, err := os.Open(filepath.Join(dir, database))
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var head [18]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return 0, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	return info.Size(), int(binary.BigEndian.Uint16(head[16:])), nil
}

// database is the store's file in the data folder.
const database = "payonce.db"
