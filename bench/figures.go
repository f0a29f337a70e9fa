package main

import (
	"fmt"
	"slices"
	"time"
)

// spread is a figure over the rounds.
type spread struct {
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
	Rounds []float64 `json:"rounds"`
}

// over gives the spread of one figure; the order of the rounds is kept.
func over(rounds []float64) spread {
	if len(rounds) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(rounds))
	n := len(sorted)
	return spread{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1], Rounds: rounds}
}

// of takes one figure out of each round.
func of[T any](rounds []T, figure func(T) float64) spread {
	values := make([]float64, len(rounds))
	for i, r := range rounds {
		values[i] = figure(r)
	}
	return over(values)
}

// ratios divides round by round: a slow spell of the machine is in both.
func ratios(a, b spread) spread {
	n := min(len(a.Rounds), len(b.Rounds))
	values := make([]float64, 0, n)
	for i := range n {
		values = append(values, a.Rounds[i]/b.Rounds[i])
	}
	return over(values)
}

// text prints the median, and the extremes if there were several rounds.
func (s spread) text(decimals int) string {
	if len(s.Rounds) < 2 {
		return fmt.Sprintf("%.*f", decimals, s.Median)
	}
	return fmt.Sprintf("%.*f (%.*f-%.*f)", decimals, s.Median, decimals, s.Min, decimals, s.Max)
}

// latencies are percentiles in microseconds.
type latencies struct {
	P50  float64 `json:"p50_us"`
	P99  float64 `json:"p99_us"`
	P999 float64 `json:"p999_us"`
	Max  float64 `json:"max_us"`
}

// percentiles sorts all.
func percentiles(all []time.Duration) latencies {
	if len(all) == 0 {
		return latencies{}
	}
	slices.Sort(all)
	at := func(share float64) float64 {
		i := min(int(share*float64(len(all))), len(all)-1)
		return float64(all[i].Nanoseconds()) / 1000
	}
	return latencies{P50: at(0.50), P99: at(0.99), P999: at(0.999), Max: at(1)}
}

// perPayment is microseconds of processor time.
func perPayment(cpu time.Duration, n int) float64 {
	return float64(cpu.Nanoseconds()) / 1000 / float64(n)
}
