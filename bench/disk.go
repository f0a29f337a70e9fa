package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"
)

// syncBytes is what the bare loop appends before each sync: one page of the page cache.
const syncBytes = 4096

// syncOrder asks for a loop of append and fdatasync, one after the other, on a file of its own.
type syncOrder struct {
	Dir     string
	Seconds int
	Bytes   int
}

type syncAnswer struct {
	Syncs   int       `json:"syncs"`
	Latency latencies `json:"latency"`
}

// syncPart is the floor for latencies: no durable accept can be faster than this.
func syncPart(ctx context.Context, in io.Reader, out, _ io.Writer) (err error) {
	var o syncOrder
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return err
	}
	path := filepath.Join(o.Dir, "sync.log")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(path)) }()
	buf := make([]byte, o.Bytes)
	var all []time.Duration
	for end := time.Now().Add(time.Duration(o.Seconds) * time.Second); time.Now().Before(end) && ctx.Err() == nil; {
		start := time.Now()
		if _, err := f.Write(buf); err != nil {
			return err
		}
		if err := fdatasync(f); err != nil {
			return err
		}
		all = append(all, time.Since(start))
	}
	return json.NewEncoder(out).Encode(syncAnswer{Syncs: len(all), Latency: percentiles(all)})
}
