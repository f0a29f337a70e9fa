package simulation

import (
	"flag"
	"fmt"
	"testing"
)

var seeds = flag.Int("seeds", 200, "how many seeds to run in each mode")

// TestSeeds holds the promises over many runs. A failure prints its seed; run it again with the command of the same
// name: go run ./simulation/simulate -seed N -trace.
func TestSeeds(t *testing.T) {
	for _, mode := range []Options{{}, {OneStep: true}, {Split: true}, {Split: true, OneStep: true}, {Disaster: true}, {Disaster: true, OneStep: true}} {
		t.Run(fmt.Sprintf("one_step=%t,split=%t,disaster=%t", mode.OneStep, mode.Split, mode.Disaster), func(t *testing.T) {
			t.Parallel()
			charges := 0
			for seed := range uint64(*seeds) {
				mode.Seed = seed
				res, err := Run(mode)
				if err != nil {
					t.Fatal(err)
				}
				charges += res.Charges
			}
			if charges < *seeds {
				t.Fatalf("only %d charges in %d runs: the simulation proves nothing", charges, *seeds)
			}
		})
	}
}

func TestSameSeedSameRun(t *testing.T) {
	for seed := range uint64(5) {
		a, err := Run(Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		b, err := Run(Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		if a.Digest != b.Digest {
			t.Fatalf("seed %d ran differently: %s, %s", seed, a.Digest, b.Digest)
		}
	}
}
