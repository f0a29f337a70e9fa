// Command bench measures how fast payonce is, as ratios to what else could be built, on the machine that it runs on.
//
//	go run ./bench -payonce bin/payonce          # a few minutes
//	go run ./bench -payonce bin/payonce -full    # an hour, with 5 million records
//
// Everything that is compared runs as a process of its own: the Stripe stand-in, the server, the peers ("bare", a
// handler that calls stripe-go and stores nothing), the load generator, the synced log. What is measured of a process
// is the processor time that the kernel counts for it. Rounds are interleaved (A, B, C, A, B, C, ...), ratios are taken
// within a round, and the tables show the median with the lowest and the highest round. Nothing is asserted: figures
// are for reading, and docs/performance.md says how.
//
// Linux only: processor time, bytes written and memory are read from /proc.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// command is the whole program: a part, if the first argument names one, else the measures.
func command(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) error {
	if len(args) > 0 {
		if run, ok := parts()[args[0]]; ok {
			return run(ctx, in, out, errs)
		}
	}
	o, err := parse(args, errs)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, o, out, errs)
	if err != nil {
		return err
	}
	return errors.Join(b.run(ctx), b.close())
}

// part is a process that this program starts of itself. Its order comes on standard input, as JSON.
type part func(ctx context.Context, in io.Reader, out, errs io.Writer) error

func parts() map[string]part {
	return map[string]part{
		partLoad: loadPart, partPeer: peerPart, partSync: syncPart, partEngine: enginePart, partPreload: preloadPart,
	}
}

// Names of the parts, as first argument.
const (
	partLoad    = "load"
	partPeer    = "peer"
	partSync    = "sync"
	partEngine  = "engine"
	partPreload = "preload"
)

// options of a run. Zero numbers are replaced by the defaults of the short or the full run.
type options struct {
	payonce     string
	dir         string
	store       string
	storeLimit  int64 // bytes
	json        string
	only        []string
	full        bool
	rounds      int
	payments    int // per run of the whole path
	requests    int // per run of accept alone
	operations  int // per run of the engine
	records     int // in the big store
	waiting     int // payments that wait, for the memory
	seconds     int // of each latency round
	connections int
	logLevel    string
}

// measures are what -only may name, in the order in which they run.
var measures = []string{"whole", "accept", "latency", "engine", "memory", "start"}

func parse(args []string, errs io.Writer) (options, error) {
	var o options
	var only string
	var limit int64
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(errs)
	f.StringVar(&o.payonce, "payonce", "bin/payonce", "the program to measure")
	f.BoolVar(&o.full, "full", false, "the long run: more rounds, 5 million records, 1 million waiting")
	f.StringVar(&only, "only", "", "measures to run, of "+strings.Join(measures, ",")+"; default all")
	f.StringVar(&o.json, "json", "", "file for the figures, as JSON")
	f.StringVar(&o.dir, "dir", "", "folder to work in, on the disk to measure; default a temporary one that is removed at the end")
	f.StringVar(&o.store, "store", "", "folder that keeps the big store for the next run; default: made anew in -dir")
	f.Int64Var(&limit, "store-limit", 12, "most GB that the big store may take; filling it stops there")
	f.IntVar(&o.rounds, "rounds", 0, "rounds of each measure (short 3, full 7)")
	f.IntVar(&o.payments, "payments", 0, "payments of a run of the whole path (short 5000, full 20000)")
	f.IntVar(&o.requests, "requests", 0, "requests of a run of accept alone (short 20000, full 100000)")
	f.IntVar(&o.operations, "operations", 0, "payments of a run of the engine (short 20000, full 200000)")
	f.IntVar(&o.records, "records", 0, "settled payments in the big store (short 200000, full 5000000)")
	f.IntVar(&o.waiting, "waiting", 0, "payments that wait while memory is measured (short 100000, full 1000000)")
	f.IntVar(&o.seconds, "seconds", 0, "seconds of a round of latencies (short 10, full 30)")
	f.IntVar(&o.connections, "connections", 64, "keep-alive connections of the load generator")
	f.StringVar(&o.logLevel, "log-level", "info", "log level of payonce; info, the default of the program, writes two lines a payment")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	o.storeLimit = limit << 30
	o.only = measures
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	for _, name := range o.only {
		if !slices.Contains(measures, name) {
			return o, fmt.Errorf("no measure is called %q: there are %s", name, strings.Join(measures, ", "))
		}
	}
	o.fill()
	for _, n := range []int{o.rounds, o.payments, o.requests, o.operations, o.records, o.waiting, o.seconds, o.connections} {
		if n < 1 {
			return o, errors.New("numbers must be positive")
		}
	}
	return o, nil
}

func (o *options) fill() {
	for _, d := range []struct {
		n           *int
		short, full int
	}{
		{&o.rounds, 3, 7},
		{&o.payments, 5000, 20_000},
		{&o.requests, 20_000, 100_000},
		{&o.operations, 20_000, 200_000},
		{&o.records, 200_000, 5_000_000},
		{&o.waiting, 100_000, 1_000_000},
		{&o.seconds, 10, 30},
	} {
		if *d.n == 0 {
			if *d.n = d.short; o.full {
				*d.n = d.full
			}
		}
	}
}

// bench is one run of the program.
type bench struct {
	options
	self      string // this program
	temporary bool
	out, errs io.Writer
	report    report
	big       string // folder of the big store; empty: not filled yet
}

func newBench(ctx context.Context, o options, out, errs io.Writer) (b *bench, err error) {
	b = &bench{options: o, out: out, errs: errs, temporary: o.dir == ""}
	if b.self, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	if b.payonce, err = filepath.Abs(o.payonce); err != nil {
		return nil, err
	}
	if _, err := os.Stat(b.payonce); err != nil { //nolint:gosec // the operator names the program to measure
		return nil, fmt.Errorf("%w: build it with `make build` or name it with -payonce", err)
	}
	if b.temporary {
		if b.dir, err = temporaryDir(); err != nil {
			return nil, err
		}
	} else if err := os.MkdirAll(b.dir, 0o700); err != nil { //nolint:gosec // the operator names the folder
		return nil, err
	}
	if err := onDisk(b.dir); err != nil {
		return nil, errors.Join(err, b.close())
	}
	if b.report.Machine, err = b.look(ctx); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// temporaryDir makes a folder on a disk: many systems keep their temporary files in memory.
func temporaryDir() (string, error) {
	base := os.TempDir()
	if onDisk(base) != nil {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		base = filepath.Join(cache, "payonce")
		if err := os.MkdirAll(base, 0o700); err != nil {
			return "", err
		}
	}
	return os.MkdirTemp(base, "bench-")
}

func (b *bench) close() error {
	if b.temporary {
		return os.RemoveAll(b.dir) //nolint:gosec // only a folder that this program has made
	}
	return nil
}

func (b *bench) run(ctx context.Context) error {
	steps := map[string]func(context.Context) (*table, error){
		"whole": b.whole, "accept": b.accept, "latency": b.latency, "engine": b.engine, "memory": b.memory, "start": b.start,
	}
	fmt.Fprintf(b.out, "%s\n", b.report.Machine)
	for _, name := range measures {
		if !slices.Contains(b.only, name) {
			continue
		}
		t, err := heard(ctx, steps[name])
		if err != nil {
			return fmt.Errorf("measure %s: %w", name, err)
		}
		t.Name = name
		b.report.Measures = append(b.report.Measures, t)
		if err := t.write(b.out, b.report.Machine); err != nil {
			return err
		}
	}
	if b.json == "" {
		return nil
	}
	text, err := json.MarshalIndent(b.report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(b.json, append(text, '\n'), 0o600) //nolint:gosec // the operator names the file
}

// heard runs one measure and says what else the machine did meanwhile.
func heard(ctx context.Context, step func(context.Context) (*table, error)) (*table, error) {
	end, err := listen()
	if err != nil {
		return nil, err
	}
	t, err := step(ctx)
	if err != nil {
		return nil, err
	}
	t.Noise, err = end()
	return t, err
}

// note says what is under way.
func (b *bench) note(format string, args ...any) { fmt.Fprintf(b.errs, "  "+format+"\n", args...) }
