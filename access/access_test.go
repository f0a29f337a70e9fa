package access

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestNewKeyOpens(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.FixedZone("x", 3600))
	random := bytes.Repeat([]byte{0xff}, randomBytes+keyIDBytes)
	key, secret, err := New("shop", "checkout-1", Producer, bytes.NewReader(random), now)
	if err != nil {
		t.Fatal(err)
	}
	if err := Parse(secret); err != nil || len(secret) != SecretLen {
		t.Fatalf("the new secret does not parse: %v", err)
	}
	if key.Hash != Hash(secret) || !strings.HasSuffix(secret, key.Hint) || len(key.Hint) != 4 {
		t.Error("hash or hint is not of the secret")
	}
	if key.ID != "key_ffffffffffffffff" || key.Tenant != "shop" || key.Principal != "checkout-1" || key.Role != Producer {
		t.Errorf("key = %+v", key)
	}
	if want := time.Date(2026, 3, 1, 11, 0, 0, 123000000, time.UTC); !key.Created.Equal(want) || !key.Active() {
		t.Errorf("created %v, want %v; active %v", key.Created, want, key.Active())
	}
}

func TestNewRefuses(t *testing.T) {
	random := func() *bytes.Reader { return bytes.NewReader(make([]byte, 64)) }
	for name, c := range map[string]struct {
		tenant, principal string
		role              Role
		short             bool
		want              error
	}{
		"tenant":    {"Shop", "p", Producer, false, ErrName},
		"principal": {"shop", "", Producer, false, ErrName},
		"role":      {"shop", "p", "root", false, ErrRole},
		"chance":    {"shop", "p", Admin, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := random()
			if c.short {
				r = bytes.NewReader(make([]byte, 8))
			}
			_, secret, err := New(c.tenant, c.principal, c.role, r, time.Now())
			if err == nil || secret != "" || (c.want != nil && !errors.Is(err, c.want)) {
				t.Errorf("err = %v, want %v", err, c.want)
			}
		})
	}
}

func TestParseSecret(t *testing.T) {
	_, secret, err := New("shop", "p", Producer, bytes.NewReader(make([]byte, 64)), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(secret) {
		bad := []byte(secret)
		bad[i] = '1'
		if bad[i] == secret[i] {
			bad[i] = '2'
		}
		if Parse(string(bad)) == nil {
			t.Errorf("a changed character %d goes unnoticed", i)
		}
	}
	for _, bad := range []string{"", "po_", secret[:len(secret)-1], secret + "0", " " + secret, strings.ToLower("PO_") + strings.Repeat("-", 49)} {
		if err := Parse(bad); !errors.Is(err, ErrSecret) {
			t.Errorf("a bad secret of %d bytes parses: %v", len(bad), err)
		}
	}
}

func TestCheckName(t *testing.T) {
	for name, ok := range map[string]bool{
		"a": true, "0": true, "shop": true, "a.b_c-d": true, strings.Repeat("x", 64): true,
		"": false, "A": false, "-a": false, ".a": false, "a b": false, "ä": false, "a/b": false, strings.Repeat("x", 65): false,
	} {
		if got := CheckName(name) == nil; got != ok {
			t.Errorf("CheckName(%q) = %v, want %v", name, got, ok)
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	_, secret, _ := New("shop", "p", Producer, bytes.NewReader(make([]byte, 64)), time.Now())
	f.Add(secret)
	f.Add("po_")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		err := Parse(s)
		if err == nil && (len(s) != SecretLen || s[:3] != prefix || checksum(s[:SecretLen-sumChars]) != s[SecretLen-sumChars:]) {
			t.Error("accepts what New cannot make")
		}
		if err != nil && len(s) > 3 && strings.Contains(err.Error(), s) {
			t.Error("the error holds the secret")
		}
	})
}
