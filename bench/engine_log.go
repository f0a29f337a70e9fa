package main

import (
	"bytes"
	"context"
	"os"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/idempotency"
)

// syncedLog is the floor: callers hand over bytes, one writer appends what waits and syncs it, and then answers them.
type syncedLog struct {
	file    *os.File
	entries chan logEntry
	steps   [][]byte // of one payment: accept, claim, settle, delete
	running sync.WaitGroup
}

type logEntry struct {
	bytes []byte
	done  chan error
}

// logBatch is how many entries share a sync at most, as in the store.
const logBatch = 512

func openLog(path string) (*syncedLog, error) {
	steps, err := logSteps()
	if err != nil {
		return nil, err
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	l := &syncedLog{file: f, entries: make(chan logEntry, logBatch), steps: steps}
	l.running.Go(l.loop)
	return l, nil
}

func (l *syncedLog) close() error {
	close(l.entries)
	l.running.Wait()
	return l.file.Close()
}

// logSteps encodes once what the store is given for one payment.
func logSteps() ([][]byte, error) {
	now := time.Now()
	accept := enginetest.Accept(now, tenant, "20260101000000-0-100000", "order-20260101000000-0-100000")
	claim := enginetest.Claim(now, *accept.Record, worker)
	settle := enginetest.Settle(now, *claim.Record, idempotency.Succeeded)
	var steps [][]byte
	for _, parts := range [][]any{
		{accept.Record, accept.Record.Request, accept.Messages},
		{claim.Record, claim.Record.Frozen},
		{settle.Record, settle.Outcome},
		{accept.Record.ID},
	} {
		var step []byte
		for _, p := range parts {
			enc, err := cbor.Marshal(p)
			if err != nil {
				return nil, err
			}
			step = append(step, enc...)
		}
		steps = append(steps, step)
	}
	return steps, nil
}

func (l *syncedLog) loop() {
	var buf bytes.Buffer
	var waiting []chan error
	for e := range l.entries {
		buf.Reset()
		waiting = waiting[:0]
		for {
			buf.Write(e.bytes)
			waiting = append(waiting, e.done)
			if len(l.entries) == 0 || len(waiting) == logBatch {
				break
			}
			e = <-l.entries
		}
		_, err := l.file.Write(buf.Bytes())
		if err == nil {
			err = fdatasync(l.file)
		}
		for _, done := range waiting {
			done <- err
		}
	}
}

func (l *syncedLog) life(context.Context, int64) (took time.Duration, err error) {
	done := make(chan error, 1)
	start := time.Now()
	for i, step := range l.steps {
		l.entries <- logEntry{step, done}
		if err := <-done; err != nil {
			return took, err
		}
		if i == 0 {
			took = time.Since(start)
		}
	}
	return took, nil
}
