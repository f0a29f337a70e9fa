// Command crashtest kills payonce under load, again and again, and then checks every promise.
//
//	go run ./crashtest -payonce bin/payonce -kills 200
//
// It starts the Stripe stand-in and the server as processes of their own, on free ports and in a folder of its own.
// The stand-in loses 2 % of its answers, charges and answers 500 for 1 % of the confirms, and answers 1 % with 429.
// Payments come at a steady rate: most for a purchase of their own, some declined, some for a purchase that has a
// payment already, some submitted twice at once. Each key is repeated until it is answered. Meanwhile the server is
// killed (SIGKILL) at random moments and started again. At the end everything that was acknowledged must be final or
// visible to an operator, and is compared with what the stand-in has counted.
//
// Time is real. A stored 500 is looked into after a minute, and again later if that look got no answer. Where the charge
// under it was declined, the protocol believes that only 15 minutes after the last send. Unless -wait-doubt is given, the
// run does not wait for these: they must be unknown, unpaid at the stand-in and due for another look, and are counted.
//
// Exit code 0: all promises held. 1: one was broken, or the test could not be run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// options of a run.
type options struct {
	payonce string // the program under test
	kills   int
	seed    uint64
	rate    float64 // payments per second
	dir     string  // keeps everything; empty: a temporary folder that is removed if all is well
	settle  time.Duration
	doubt   bool          // wait for unpaid payments in doubt, too
	minUp   time.Duration // a server lives at least this long, at most maxUp
	maxUp   time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func command(ctx context.Context, args []string, out, errs io.Writer) int {
	var o options
	f := flag.NewFlagSet("crashtest", flag.ContinueOnError)
	f.SetOutput(errs)
	f.StringVar(&o.payonce, "payonce", "bin/payonce", "the program under test")
	f.IntVar(&o.kills, "kills", 25, "how often the server is killed")
	f.Uint64Var(&o.seed, "seed", 0, "seed of the moments, the payments and the faults; 0 draws one")
	f.Float64Var(&o.rate, "rate", 40, "payments per second")
	f.StringVar(&o.dir, "dir", "", "folder to work in, kept; default: a temporary one, removed if all is well")
	f.DurationVar(&o.settle, "settle", 20*time.Minute, "longest wait at the end for payments in doubt")
	f.BoolVar(&o.doubt, "wait-doubt", false, "wait for unpaid payments in doubt, too: over 15 minutes")
	f.DurationVar(&o.minUp, "min-up", 50*time.Millisecond, "shortest time between a start and a kill")
	f.DurationVar(&o.maxUp, "max-up", 2*time.Second, "longest time between a start and a kill")
	if err := f.Parse(args); err != nil {
		return 1
	}
	if o.kills < 0 || o.rate <= 0 || o.maxUp < o.minUp {
		fmt.Fprintln(errs, "crashtest: kills must not be negative, the rate must be positive, max-up not below min-up")
		return 1
	}
	if o.seed == 0 {
		o.seed = rand.Uint64()
	}
	temporary := o.dir == ""
	if temporary {
		var err error
		if o.dir, err = os.MkdirTemp("", "payonce-crash-"); err != nil {
			fmt.Fprintln(errs, "crashtest:", err)
			return 1
		}
	}
	var err error
	if o.payonce, err = filepath.Abs(o.payonce); err == nil {
		err = os.MkdirAll(o.dir, 0o700)
	}
	if err != nil {
		fmt.Fprintln(errs, "crashtest:", err)
		return 1
	}
	fmt.Fprintf(out, "seed %d, %d kills, %g payments per second, folder %s\n", o.seed, o.kills, o.rate, o.dir)
	violations, err := run(ctx, o, out)
	for _, v := range violations {
		fmt.Fprintln(out, "VIOLATION", v)
	}
	if err != nil {
		fmt.Fprintln(errs, "crashtest:", err)
	}
	if err != nil || len(violations) > 0 {
		fmt.Fprintf(out, "FAILED: repeat with -seed %d; logs and files are in %s\n", o.seed, o.dir)
		return 1
	}
	fmt.Fprintln(out, "all promises held")
	if temporary {
		if err := os.RemoveAll(o.dir); err != nil {
			fmt.Fprintln(errs, "crashtest:", err)
		}
	}
	return 0
}

// run is one whole test. Violations are broken promises; an error says that the test itself could not go on.
func run(ctx context.Context, o options, out io.Writer) (violations []string, err error) {
	h := &house{options: o}
	defer func() { err = errors.Join(err, h.close()) }()
	if err := h.start(ctx); err != nil {
		return nil, err
	}
	began := time.Now()
	load := newLoad(h, o)
	loading, stopLoad := context.WithCancel(ctx)
	defer stopLoad()
	load.start(loading)

	dice := rand.New(rand.NewPCG(o.seed, 1))
	for n := range o.kills {
		up := o.minUp + time.Duration(dice.Int64N(int64(o.maxUp-o.minUp)+1))
		if err := sleep(ctx, up); err != nil {
			return nil, err
		}
		if err := h.server.kill(); err != nil {
			return nil, fmt.Errorf("kill %d: %w", n+1, err)
		}
		if err := h.startServer(ctx); err != nil {
			return nil, fmt.Errorf("start after kill %d: %w", n+1, err)
		}
		if (n+1)%25 == 0 {
			fmt.Fprintf(out, "%4d kills, %6d payments acknowledged, %s\n", n+1, load.acknowledged(), time.Since(began).Round(time.Second))
		}
		if n == o.kills/2 {
			if err := load.remember(ctx); err != nil {
				return nil, fmt.Errorf("read the feed half-way: %w", err)
			}
		}
	}
	// A little more load on a server that lives, then every key gets its answer.
	if err := sleep(ctx, time.Second); err != nil {
		return nil, err
	}
	stopLoad()
	if err := load.wait(ctx); err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "load ended, %d payments acknowledged; waiting until all are settled\n", load.acknowledged())
	v := &verifier{house: h, load: load, out: out, began: began}
	if err := v.settled(ctx); err != nil {
		return v.violations, err
	}
	if err := v.verify(ctx); err != nil {
		return v.violations, err
	}
	return v.violations, v.summary()
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
