package read

import (
	"errors"
	"strings"
	"testing"
)

func TestParseCursor(t *testing.T) {
	for s, ok := range map[string]bool{
		"": true, "1": true, "aZ09-_": true, strings.Repeat("x", MaxCursor): true,
		strings.Repeat("x", MaxCursor+1): false, "a b": false, "a/b": false, "ä": false, "a\x00": false, "a+": false,
	} {
		c, err := ParseCursor(s)
		if ok != (err == nil) || err != nil && !errors.Is(err, ErrCursor) || ok && string(c) != s {
			t.Errorf("%q: %q, %v", s, c, err)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add("12")
	f.Add("a-b_c")
	f.Add("%")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCursor(s)
		if err == nil && (string(c) != s || len(s) > MaxCursor || strings.ContainsAny(s, " %&=+/\"\n")) {
			t.Errorf("%q is taken", s)
		}
	})
}
