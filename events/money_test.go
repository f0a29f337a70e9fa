package events

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestParseCurrency(t *testing.T) {
	for in, want := range map[string]Currency{"EUR": "EUR", "eur": "EUR", "jPy": "JPY", "kwd": "KWD"} {
		if got, err := ParseCurrency(in); err != nil || got != want {
			t.Errorf("%s: got %s, %v", in, got, err)
		}
	}
	for _, bad := range []string{"", "EU", "EURO", "XXX", "E R", "DEM", "ｅur", "€", "978", "eu\x00", "XTS", "BTC"} {
		if got, err := ParseCurrency(bad); !errors.Is(err, ErrCurrency) || got != "" {
			t.Errorf("%q: got %q, %v", bad, got, err)
		}
	}
}

func TestCurrencyListIsConsistent(t *testing.T) {
	for c, exp := range currencies {
		if got, err := ParseCurrency(strings.ToLower(string(c))); err != nil || got != c {
			t.Errorf("%s: %v", c, err)
		}
		if exp != 0 && exp != 2 && exp != 3 {
			t.Errorf("%s: exponent %d", c, exp)
		}
	}
	for c := range minimums {
		if _, ok := currencies[c]; !ok {
			t.Errorf("%s has a minimum but is no currency", c)
		}
	}
	for _, c := range []Currency{"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"} {
		if c.Exponent() != 0 || c.StripeExponent() != 0 {
			t.Errorf("%s is a zero-decimal currency", c)
		}
	}
	for _, c := range []Currency{"BHD", "JOD", "KWD", "OMR", "TND"} {
		if c.Exponent() != 3 || c.StripeExponent() != 3 {
			t.Errorf("%s is a three-decimal currency", c)
		}
	}
	for c, want := range map[Currency][2]int{"ISK": {0, 2}, "UGX": {0, 2}, "MGA": {2, 0}, "EUR": {2, 2}, "": {0, 0}} {
		if got := [2]int{c.Exponent(), c.StripeExponent()}; got != want {
			t.Errorf("%s: got %v, want %v", c, got, want)
		}
	}
}

func TestMoneyString(t *testing.T) {
	for want, m := range map[string]Money{
		"10.00 EUR":                 {1000, "EUR"},
		"0.05 EUR":                  {5, "EUR"},
		"-0.05 EUR":                 {-5, "EUR"},
		"0.00 EUR":                  {0, "EUR"},
		"500 JPY":                   {500, "JPY"},
		"5.120 KWD":                 {5120, "KWD"},
		"5.00 ISK":                  {500, "ISK"},
		"500 MGA":                   {500, "MGA"},
		"-92233720368547758.08 EUR": {math.MinInt64, "EUR"},
		"92233720368547758.07 EUR":  {math.MaxInt64, "EUR"},
		"0":                         {},
	} {
		if got := m.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestMoneyArithmetic(t *testing.T) {
	type op func(a, b Money) (Money, error)
	add, sub := op(Money.Add), op(Money.Sub)
	const big, small = math.MaxInt64, math.MinInt64
	cases := []struct {
		name string
		op   op
		a, b int64
		want int64
		err  error
	}{
		{"add", add, 2, 3, 5, nil},
		{"add nothing", add, 2, 0, 2, nil},
		{"add a negative", add, 2, -3, -1, nil},
		{"add to the edge", add, big - 1, 1, big, nil},
		{"add over the edge", add, big, 1, 0, ErrOverflow},
		{"add under the edge", add, small, -1, 0, ErrOverflow},
		{"sub", sub, 2, 3, -1, nil},
		{"sub to the edge", sub, small + 1, 1, small, nil},
		{"sub under the edge", sub, small, 1, 0, ErrOverflow},
		{"sub over the edge", sub, 0, small, 0, ErrOverflow},
		{"sub the least from a negative", sub, -1, small, big, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.op(Money{c.a, "EUR"}, Money{c.b, "EUR"})
			if !errors.Is(err, c.err) || got.Minor != c.want {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	eur, usd := Money{1, "EUR"}, Money{1, "USD"}
	if _, err := eur.Add(usd); !errors.Is(err, ErrCurrencyMismatch) {
		t.Error(err)
	}
	if _, err := eur.Sub(usd); !errors.Is(err, ErrCurrencyMismatch) {
		t.Error(err)
	}
	if _, err := eur.Cmp(usd); !errors.Is(err, ErrCurrencyMismatch) {
		t.Error(err)
	}
	if got, err := eur.Cmp(Money{2, "EUR"}); got != -1 || err != nil {
		t.Error(got, err)
	}
}

func TestMoneyWarnings(t *testing.T) {
	cases := []struct {
		m    Money
		want []string
	}{
		{Money{1000, "EUR"}, nil},
		{Money{49, "EUR"}, []string{WarnBelowMinimum}},
		{Money{50, "JPY"}, nil},
		{Money{49, "JPY"}, []string{WarnBelowMinimum}},
		{Money{500, "ISK"}, []string{WarnTwoDecimals}},
		{Money{501, "UGX"}, []string{WarnTwoDecimals, WarnFraction}},
		{Money{500, "MGA"}, []string{WarnNoDecimals}},
		{Money{5120, "KWD"}, nil},
		{Money{5124, "KWD"}, []string{WarnFraction}},
		{Money{20001, "HUF"}, []string{WarnPayout}},
		{Money{20000, "HUF"}, nil},
		{Money{100_000_000, "VND"}, []string{WarnLarge}},
		{Money{99_999_999, "VND"}, nil},
	}
	for _, c := range cases {
		var got []string
		for _, w := range c.m.Warnings() {
			got = append(got, w.Code)
			if w.Message == "" {
				t.Errorf("%v: %s has no message", c.m, w.Code)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: got %v, want %v", c.m, got, c.want)
		}
	}
}

func FuzzMoney(f *testing.F) {
	f.Add("eur", int64(1000), int64(1))
	f.Add("KWD", int64(math.MinInt64), int64(math.MaxInt64))
	f.Add("x", int64(0), int64(0))
	f.Fuzz(func(t *testing.T, code string, a, b int64) {
		c, err := ParseCurrency(code)
		if err != nil {
			if c != "" || !errors.Is(err, ErrCurrency) {
				t.Fatalf("got %q, %v", c, err)
			}
			return
		}
		if again, err := ParseCurrency(string(c)); err != nil || again != c || !strings.EqualFold(code, string(c)) {
			t.Fatalf("%q became %q", code, c)
		}
		x, y := Money{a, c}, Money{b, c}
		if sum, err := x.Add(y); err == nil {
			if back, err := sum.Sub(y); err != nil || back != x {
				t.Fatalf("%v + %v - %v = %v, %v", x, y, y, back, err)
			}
		}
		digits := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, x.String())
		var n uint64
		for _, d := range digits {
			n = n*10 + uint64(d-'0')
		}
		if mag := uint64(a); (a >= 0 && n != mag) || (a < 0 && n != -mag) {
			t.Fatalf("%d prints as %s", a, x)
		}
		_ = x.Warnings()
	})
}
