package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// start measures how soon the server is ready on an empty folder and on the big store, with the file in the page cache
// and without.
func (b *bench) start(ctx context.Context) (t *table, err error) {
	big, have, err := b.bigStore(ctx)
	if err != nil {
		return nil, err
	}
	dir, remove, err := b.folder("start")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	type place struct {
		name string
		data string
		cold bool
	}
	places := []place{
		{"empty store", data(dir), false},
		{fmt.Sprintf("%d records, file in the page cache", have), big, false},
		{fmt.Sprintf("%d records, file not in the page cache", have), big, true},
	}
	runs := map[string][]startRun{}
	for round := range b.rounds {
		for _, p := range places {
			r, err := b.startOnce(ctx, dir, setting{data: p.data, stripe: paused}, p.cold)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
			b.note("start, round %d: %s: %.0f ms", round+1, p.name, r.Ready)
			runs[p.name] = append(runs[p.name], r)
		}
	}
	t = &table{
		Title:   "Start",
		Load:    fmt.Sprintf("%d rounds, interleaved; from the start of the process", b.rounds),
		Columns: []string{"store", "listens after ms", "ready after ms", "RSS MB"},
		Data:    runs,
	}
	for _, p := range places {
		t.row(p.name, of(runs[p.name], func(r startRun) float64 { return r.Serves }).text(0),
			of(runs[p.name], func(r startRun) float64 { return r.Ready }).text(0),
			of(runs[p.name], func(r startRun) float64 { return float64(r.Usage.RSS) / (1 << 20) }).text(0))
	}
	t.note("the store was closed cleanly before each start; the disk's own cache is not emptied")
	return t, nil
}

// forgetStore drops the store's files from the page cache.
func forgetStore(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, database+"*"))
	if err != nil {
		return err
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), forget(f), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
