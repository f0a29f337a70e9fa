package embedded

import (
	"testing"

	"github.com/payonce/payonce/queue"
	"github.com/payonce/payonce/read"
)

func FuzzReceipt(f *testing.F) {
	f.Add("1-1-1")
	f.Add("3w5e11264sgsf-1y2p0ij32e8e7-zz")
	f.Add("+1-1-1")
	f.Fuzz(func(t *testing.T, s string) {
		if r, ok := parseReceipt(queue.Receipt(s)); ok && string(r.String()) != s {
			t.Errorf("%q is read as %q", s, r.String())
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add("1")
	f.Add("1y2p0ij32e8e7")
	f.Add("-1")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := cursorNumber(read.Cursor(s))
		if err == nil && s != "" && (n <= 0 || string(numberCursor(n)) != s) {
			t.Errorf("%q is read as %d", s, n)
		}
	})
}
