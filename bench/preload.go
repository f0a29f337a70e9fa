package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/payonce/payonce/engine/embedded"
)

// preloadOrder asks for a store with so many settled payments.
type preloadOrder struct {
	Dir     string
	Prefix  string
	Records int
	Limit   int64 // bytes of the file; filling stops there
	Callers int
}

type preloadAnswer struct {
	Records int `json:"records"`
}

var errFull = errors.New("the store has reached its limit")

// reserve is how much of the disk stays free.
const reserve = 2 << 30

// preloadPart fills a store up: every payment goes through its whole life. What is there already counts.
func preloadPart(ctx context.Context, in io.Reader, out, errs io.Writer) (err error) {
	var o preloadOrder
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return err
	}
	s, err := embedded.Open(ctx, embedded.Config{Dir: o.Dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	have, err := records(ctx, s)
	if err != nil {
		return err
	}
	want := int64(o.Records - have)
	if want > 0 {
		fmt.Fprintf(errs, "  filling %s from %d to %d records\n", o.Dir, have, o.Records)
	}
	f := &filler{o: o, have: have, began: time.Now(), errs: errs}
	_, err = every(ctx, o.Callers, 0, want, func(ctx context.Context, n int64) (time.Duration, error) {
		_, err := storeLife(ctx, s, "fill-"+o.Prefix, n)
		if done := f.done.Add(1); err == nil && done%fillStep == 0 {
			err = f.look(int(done))
		}
		return 0, err
	})
	if errors.Is(err, errFull) {
		fmt.Fprintf(errs, "  stopped filling: the store has reached %d GB, or the disk has less than %d GB left\n", o.Limit>>30, int64(reserve)>>30)
	} else if err != nil {
		return err
	}
	if have, err = records(ctx, s); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(preloadAnswer{Records: have})
}

// fillStep is after how many records the file and the disk are looked at.
const fillStep = 50_000

type filler struct {
	o     preloadOrder
	have  int
	done  atomic.Int64
	began time.Time
	errs  io.Writer
}

// look says how far it is, and stops when the file has become too long or the disk too full.
func (f *filler) look(done int) error {
	info, err := os.Stat(filepath.Join(f.o.Dir, database))
	if err != nil {
		return err
	}
	free, err := freeBytes(f.o.Dir)
	if err != nil {
		return err
	}
	if done%(10*fillStep) == 0 {
		fmt.Fprintf(f.errs, "  %9d records, %5d MB, %.0f records/s\n", f.have+done, info.Size()>>20, float64(done)/time.Since(f.began).Seconds())
	}
	if info.Size() > f.o.Limit || free < reserve {
		return errFull
	}
	return nil
}
