package access

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"time"
)

// shelf is a Store in memory that counts lookups and can be made to wait or fail.
type shelf struct {
	mu      sync.Mutex
	keys    []Key
	lookups int
	fail    error
	before  func() // called with the answer in hand, before it is given
}

func (s *shelf) PutKey(_ context.Context, k Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.keys {
		if o.ID == k.ID || o.Hash == k.Hash {
			return ErrKeyExists
		}
	}
	s.keys = append(s.keys, k)
	return nil
}

func (s *shelf) ListKeys(context.Context) ([]Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Key(nil), s.keys...), nil
}

func (s *shelf) RevokeKey(_ context.Context, id string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.keys {
		if s.keys[i].ID == id {
			if s.keys[i].Active() {
				s.keys[i].Revoked = at
			}
			return nil
		}
	}
	return ErrNoKey
}

func (s *shelf) LookupKey(_ context.Context, hash [32]byte) (Key, error) {
	s.mu.Lock()
	s.lookups++
	found, err, before := Key{}, ErrNoKey, s.before
	if s.fail != nil {
		err = s.fail
	} else {
		for _, k := range s.keys {
			if k.Hash == hash {
				found, err = k, nil
			}
		}
	}
	s.mu.Unlock()
	if before != nil {
		before()
	}
	return found, err
}

func put(t *testing.T, s *shelf, tenant string) (Key, string) {
	t.Helper()
	k, secret, err := New(tenant, "p", Producer, rand.Reader, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutKey(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	return k, secret
}

func TestAuthenticateRemembersForAMoment(t *testing.T) {
	s, now := &shelf{}, time.Now()
	a := NewAuthenticator(Config{Store: s, Clock: func() time.Time { return now }})
	key, secret := put(t, s, "shop")
	for range 3 {
		got, err := a.Authenticate(t.Context(), secret)
		if err != nil || got.ID != key.ID {
			t.Fatalf("got %v, %v", got.ID, err)
		}
	}
	if s.lookups != 1 {
		t.Errorf("%d lookups, want 1", s.lookups)
	}
	// Another process revokes it: it works until the memory ends, and no longer.
	if err := s.RevokeKey(t.Context(), key.ID, now); err != nil {
		t.Fatal(err)
	}
	now = now.Add(MaxTTL - time.Millisecond)
	if _, err := a.Authenticate(t.Context(), secret); err != nil {
		t.Errorf("within the memory: %v", err)
	}
	now = now.Add(time.Millisecond)
	if _, err := a.Authenticate(t.Context(), secret); !errors.Is(err, ErrDenied) {
		t.Errorf("after the memory: %v", err)
	}
}

func TestRevokeShowsAtOnce(t *testing.T) {
	s := &shelf{}
	a := NewAuthenticator(Config{Store: s})
	key, secret := put(t, s, "shop")
	if _, err := a.Authenticate(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if err := a.Revoke(t.Context(), key.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Authenticate(t.Context(), secret); !errors.Is(err, ErrDenied) {
		t.Errorf("after Revoke: %v", err)
	}
	if err := a.Revoke(t.Context(), "key_none"); !errors.Is(err, ErrNoKey) {
		t.Errorf("unknown key: %v", err)
	}
}

// A lookup that read the key before it was revoked, and returns after, must not be remembered.
func TestRevokeDuringLookup(t *testing.T) {
	s := &shelf{}
	a := NewAuthenticator(Config{Store: s})
	key, secret := put(t, s, "shop")
	s.before = func() {
		s.mu.Lock()
		s.before = nil
		s.mu.Unlock()
		if err := a.Revoke(t.Context(), key.ID); err != nil {
			t.Error(err)
		}
	}
	if _, err := a.Authenticate(t.Context(), secret); err != nil {
		t.Fatalf("the lookup came first: %v", err)
	}
	if _, err := a.Authenticate(t.Context(), secret); !errors.Is(err, ErrDenied) {
		t.Errorf("the next one: %v", err)
	}
}

func TestAuthenticateRefuses(t *testing.T) {
	s := &shelf{}
	a := NewAuthenticator(Config{Store: s})
	_, unknown, err := New("shop", "p", Producer, rand.Reader, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]string{"missing": "", "malformed": "po_x", "unknown": unknown} {
		if _, err := a.Authenticate(t.Context(), secret); !errors.Is(err, ErrDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.lookups != 1 {
		t.Errorf("%d lookups, want 1: malformed secrets do not reach the store", s.lookups)
	}
	s.fail = errors.New("disk")
	if _, err := a.Authenticate(t.Context(), unknown); !errors.Is(err, s.fail) || errors.Is(err, ErrDenied) {
		t.Errorf("a failing store: %v", err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	s := &shelf{}
	a := NewAuthenticator(Config{Store: s, Size: 4})
	for range 20 {
		_, secret := put(t, s, "shop")
		if _, err := a.Authenticate(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.known) > 4 {
		t.Errorf("%d keys remembered, want at most 4", len(a.known))
	}
}

func TestLookupsAreBounded(t *testing.T) {
	s := &shelf{}
	a := NewAuthenticator(Config{Store: s, Lookups: 1})
	_, secret := put(t, s, "shop")
	a.slots <- struct{}{} // all lookups are taken
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Authenticate(ctx, secret); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}
