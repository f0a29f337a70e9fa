package main

import (
	"math"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	for _, tc := range []struct {
		name             string
		rounds           []float64
		median, min, max float64
		text             string
	}{
		{"none", nil, 0, 0, 0, "0.0"},
		{"one", []float64{3}, 3, 3, 3, "3.0"},
		{"odd", []float64{9, 1, 4}, 4, 1, 9, "4.0 (1.0-9.0)"},
		{"even", []float64{4, 1, 2, 9}, 3, 1, 9, "3.0 (1.0-9.0)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := over(tc.rounds)
			if s.Median != tc.median || s.Min != tc.min || s.Max != tc.max || s.text(1) != tc.text {
				t.Errorf("%+v, %q", s, s.text(1))
			}
		})
	}
}

func TestRatiosStayWithinARound(t *testing.T) {
	// The second round was twice as slow for both: the ratio does not notice.
	r := ratios(over([]float64{10, 20, 10}), over([]float64{5, 10, 4}))
	if r.Median != 2 || r.Min != 2 || r.Max != 2.5 {
		t.Errorf("%+v", r)
	}
}

func TestPercentiles(t *testing.T) {
	var all []time.Duration
	for i := 1000; i > 0; i-- {
		all = append(all, time.Duration(i)*time.Microsecond)
	}
	l := percentiles(all)
	if l.P50 != 501 || l.P99 != 991 || l.P999 != 1000 || l.Max != 1000 {
		t.Errorf("%+v", l)
	}
	if (percentiles(nil) != latencies{}) {
		t.Error("percentiles of nothing are not zero")
	}
}

func TestPerPayment(t *testing.T) {
	if got := perPayment(2*time.Second, 4000); math.Abs(got-500) > 1e-9 {
		t.Errorf("%f us", got)
	}
}
