// Command simulate runs seeds of the simulation and stops at the first that breaks a promise.
//
//	go run ./simulation/simulate -seeds 100000
//	go run ./simulation/simulate -seed 4711 -mode one_step -trace
package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/simulation"
)

var modes = map[string]simulation.Options{
	"two_steps":         {},
	"one_step":          {OneStep: true},
	"two_steps_split":   {Split: true},
	"one_step_split":    {OneStep: true, Split: true},
	"disaster":          {Disaster: true},
	"one_step_disaster": {OneStep: true, Disaster: true},
}

var modeOrder = []string{"two_steps", "one_step", "two_steps_split", "one_step_split", "disaster", "one_step_disaster"}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, out, progress io.Writer) int {
	flags := flag.NewFlagSet("simulate", flag.ContinueOnError)
	seeds := flags.Uint64("seeds", 1000, "how many seeds to run; they take turns through the modes")
	first := flags.Uint64("first", 0, "the first seed")
	one := flags.Int64("seed", -1, "run this seed alone")
	mode := flags.String("mode", "", "two_steps, one_step, two_steps_split, one_step_split, disaster or one_step_disaster; empty: by turns")
	trace := flags.Bool("trace", false, "with -seed: print all that happens")
	steps := flags.Int("steps", simulation.DefaultSteps, "draws per run")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if _, known := modes[*mode]; *mode != "" && !known {
		fmt.Fprintln(progress, "simulate: unknown -mode; see -help")
		return 2
	}
	pick := func(seed uint64) (string, simulation.Options) {
		name := *mode
		if name == "" {
			name = modeOrder[seed%uint64(len(modeOrder))]
		}
		o := modes[name]
		o.Seed, o.Steps = seed, *steps
		return name, o
	}
	if *one >= 0 {
		name, o := pick(uint64(*one))
		if *trace {
			o.Trace = out
		}
		res, err := simulation.Run(o)
		fmt.Fprintf(out, "seed %d (%s): digest %s, %d payments, %d charges, %d crashes, %d faults, %v\n",
			o.Seed, name, res.Digest, res.Payments, res.Charges, res.Crashes, res.Faults, res.States)
		if err != nil {
			fmt.Fprintln(out, "BROKEN:", err)
			return 1
		}
		return 0
	}
	return many(*first, *seeds, pick, out, progress)
}

func many(first, seeds uint64, pick func(uint64) (string, simulation.Options), out, progress io.Writer) int {
	var next, done atomic.Uint64
	next.Store(first)
	var mu sync.Mutex
	total := simulation.Result{States: map[idempotency.State]int{}, Attention: map[idempotency.AttentionClass]int{}}
	var broken []string
	var workers sync.WaitGroup
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for {
				seed := next.Add(1) - 1
				if seed >= first+seeds {
					return
				}
				name, o := pick(seed)
				res, err := simulation.Run(o)
				mu.Lock()
				total.Payments += res.Payments
				total.Charges += res.Charges
				total.Crashes += res.Crashes
				total.Faults += res.Faults
				for s, n := range res.States {
					total.States[s] += n
				}
				for c, n := range res.Attention {
					total.Attention[c] += n
				}
				if err != nil {
					broken = append(broken, fmt.Sprintf("%s: %v", name, err))
					next.Store(first + seeds) // finish what runs, start nothing more
				}
				mu.Unlock()
				if n := done.Add(1); n%5000 == 0 {
					fmt.Fprintf(progress, "%d of %d seeds, %s\n", n, seeds, time.Since(began).Round(time.Second))
				}
			}
		})
	}
	workers.Wait()
	fmt.Fprintf(out, "%d seeds in %s: %d payments, %d charges, %d crashes, %d faults\n",
		done.Load(), time.Since(began).Round(time.Millisecond), total.Payments, total.Charges, total.Crashes, total.Faults)
	for _, s := range idempotency.States() {
		if total.States[s] > 0 {
			fmt.Fprintf(out, "  %-16s %d\n", s, total.States[s])
		}
	}
	for _, c := range slices.Sorted(maps.Keys(total.Attention)) {
		fmt.Fprintf(out, "  for an operator: %-16s %d\n", c, total.Attention[c])
	}
	for _, b := range broken {
		fmt.Fprintln(out, "BROKEN", b)
	}
	if len(broken) > 0 {
		fmt.Fprintln(out, "Run it again with -seed N -mode MODE -trace.")
		return 1
	}
	fmt.Fprintln(out, "no promise was broken")
	return 0
}
