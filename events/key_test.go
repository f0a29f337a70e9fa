package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestParseKey(t *testing.T) {
	long := strings.Repeat("k", MaxKey)
	cases := []struct{ name, in, want string }{
		{"bare", "order-1", "order-1"},
		{"quoted", `"order-1"`, "order-1"},
		{"one character", "k", "k"},
		{"longest", long, long},
		{"longest, quoted", `"` + long + `"`, long},
		{"longest, all escaped", `"` + strings.Repeat(`\"`, MaxKey) + `"`, strings.Repeat(`"`, MaxKey)},
		{"quotes in the middle", `a"b"c`, `a"b"c`},
		{"quote at the end", `ab"`, `ab"`},
		{"backslash in a bare key", `a\b`, `a\b`},
		{"escaped quote", `"a\"b"`, `a"b`},
		{"escaped backslash", `"a\\b"`, `a\b`},
		{"e-mail address", "jo@example.org/17", "jo@example.org/17"},
		{"uuid", "42424242-4242-4242-8242-424242424242", "42424242-4242-4242-8242-424242424242"},
		{"white space around", " \torder-1\t ", "order-1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			key, err := ParseKey([]string{c.in})
			if err != nil || key.Reveal() != c.want {
				t.Errorf("got %q, %v", key.Reveal(), err)
			}
		})
	}
}

func TestParseKeyRefuses(t *testing.T) {
	if _, err := ParseKey(nil); !errors.Is(err, ErrKeyMissing) {
		t.Errorf("none: %v", err)
	}
	if _, err := ParseKey([]string{"a", "a"}); !errors.Is(err, ErrKeyTwice) {
		t.Errorf("twice: %v", err)
	}
	for _, c := range malformedKeys() {
		if len(c.values) != 1 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			key, err := ParseKey(c.values)
			var bad *KeyError
			if !errors.As(err, &bad) || !key.IsZero() {
				t.Fatalf("got %v", err)
			}
			if v := c.values[0]; len(v) > 3 && strings.Contains(err.Error(), v) {
				t.Error("the error repeats the key")
			}
			if bad.Code != c.why {
				t.Errorf("code %s, want %s", bad.Code, c.why)
			}
		})
	}
}

func TestKeyHidesItself(t *testing.T) {
	key := mustKey(t, "jo@example.org")
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v"} {
		fmt.Fprintf(&out, verb+"\n", key)
		fmt.Fprintf(&out, verb+"\n", &key)
		fmt.Fprintf(&out, verb+"\n", struct{ K Key }{key})
		fmt.Fprintf(&out, verb+"\n", []Key{key})
	}
	fmt.Fprintln(&out, key.String(), key.GoString())
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "key", key, "in", struct{ K Key }{key})
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "key", key, "in", struct{ K Key }{key})
	if err := json.NewEncoder(&out).Encode(map[string]any{"k": key, "p": &key}); err != nil {
		t.Fatal(err)
	}
	text := strings.ToLower(out.String())
	for _, trace := range []string{"jo@", "example", "6a6f", "106 111"} {
		if strings.Contains(text, trace) {
			t.Errorf("%q shows in %s", trace, out.String())
		}
	}
}

func TestKeyHash(t *testing.T) {
	a, b := mustKey(t, "k"), mustKey(t, `"k"`)
	if a.Hash() != b.Hash() || a != b {
		t.Error("quoted and bare differ")
	}
	if got, want := fmt.Sprintf("%x", a.Hash()), "8254c329a92850f6d539dd376f4816ee2764517da5e0235514af433164480d7a"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzParseKey(f *testing.F) {
	for _, s := range []string{"k", `"k"`, `"a\"b"`, `a"b`, `"`, `""`, `"a"b"`, "a b", "é", `"a\`, "k,k", `"k";a=1`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key, err := ParseKey([]string{s})
		if err != nil {
			var bad *KeyError
			if !errors.As(err, &bad) {
				t.Fatalf("an error of another type: %v", err)
			}
			if len(s) > 12 && strings.Contains(err.Error(), s) {
				t.Fatal("the error repeats the key")
			}
			return
		}
		v := key.Reveal()
		if len(v) < 1 || len(v) > MaxKey {
			t.Fatalf("length %d", len(v))
		}
		// Every key can be sent quoted, and is the same key then.
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
		again, err := ParseKey([]string{quoted})
		if err != nil || again != key {
			t.Fatalf("quoted again: %v", err)
		}
	})
}
