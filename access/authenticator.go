package access

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Config of an Authenticator.
type Config struct {
	Store Store // required
	// Clock tells the time. Default time.Now.
	Clock func() time.Time
	// TTL is how long a looked-up key is trusted without asking the store, and so how long a key that another
	// process revoked still works. Default and longest 5 s.
	TTL time.Duration
	// Size bounds how many keys are remembered. Default 1024.
	Size int
	// Lookups bounds how many questions to the store run at once, so that invented keys cannot take all its
	// readers. Default 16.
	Lookups int
}

// MaxTTL is the longest that a revoked key may go on working.
const MaxTTL = 5 * time.Second

// Authenticator checks presented secrets and remembers the valid ones for a moment. Safe for concurrent use.
type Authenticator struct {
	store Store
	now   func() time.Time
	ttl   time.Duration
	size  int
	slots chan struct{}

	mu      sync.RWMutex
	known   map[[32]byte]remembered
	revokes uint64 // counts revocations, so that a lookup that began before one is not remembered after it
}

type remembered struct {
	key   Key
	until time.Time
}

// NewAuthenticator returns an Authenticator over a store.
func NewAuthenticator(c Config) *Authenticator {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.TTL <= 0 || c.TTL > MaxTTL {
		c.TTL = MaxTTL
	}
	if c.Size <= 0 {
		c.Size = 1024
	}
	if c.Lookups <= 0 {
		c.Lookups = 16
	}
	return &Authenticator{
		store: c.Store, now: c.Clock, ttl: c.TTL, size: c.Size,
		slots: make(chan struct{}, c.Lookups), known: make(map[[32]byte]remembered),
	}
}

// Authenticate returns the key that a secret opens.
//
// Errors: ErrDenied for one that is missing, malformed, unknown or revoked; ctx.Err(); the store's errors, which say
// nothing about the secret.
//
// What depends on the secret is its SHA-256 and a comparison in constant time, never a comparison of its characters, so
// the time that a refusal takes tells nothing about valid secrets. Only the form, which is public, is judged before.
func (a *Authenticator) Authenticate(ctx context.Context, secret string) (Key, error) {
	if Parse(secret) != nil {
		return Key{}, ErrDenied
	}
	hash := Hash(secret)
	now := a.now()
	a.mu.RLock()
	hit, ok := a.known[hash]
	seen := a.revokes
	a.mu.RUnlock()
	if ok && now.Before(hit.until) {
		return hit.key, nil
	}
	key, err := a.lookup(ctx, hash)
	switch {
	case errors.Is(err, ErrNoKey):
		return Key{}, ErrDenied
	case err != nil:
		return Key{}, err
	case subtle.ConstantTimeCompare(key.Hash[:], hash[:]) != 1 || !key.Active():
		a.forget(hash)
		return Key{}, ErrDenied
	}
	a.remember(key, now, seen)
	return key, nil
}

// Revoke ends a key in the store and, from the moment it returns, in this process. ErrNoKey, or the store's errors.
func (a *Authenticator) Revoke(ctx context.Context, id string) error {
	err := a.store.RevokeKey(ctx, id, a.now().UTC().Truncate(time.Millisecond))
	// Also after an error: the store may have written it all the same.
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revokes++
	for hash, r := range a.known {
		if r.key.ID == id {
			delete(a.known, hash)
		}
	}
	return err
}

func (a *Authenticator) lookup(ctx context.Context, hash [32]byte) (Key, error) {
	select {
	case a.slots <- struct{}{}:
	case <-ctx.Done():
		return Key{}, ctx.Err()
	}
	defer func() { <-a.slots }()
	key, err := a.store.LookupKey(ctx, hash)
	if err != nil {
		return Key{}, fmt.Errorf("looking up an API key: %w", err)
	}
	return key, nil
}

func (a *Authenticator) forget(hash [32]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.known, hash)
}

// remember keeps a key, unless one was revoked since the lookup began.
func (a *Authenticator) remember(key Key, now time.Time, seen uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.revokes != seen {
		return
	}
	if _, ok := a.known[key.Hash]; !ok && len(a.known) >= a.size {
		a.makeRoom(now)
	}
	a.known[key.Hash] = remembered{key: key, until: now.Add(a.ttl)}
}

// makeRoom drops what has ended, or any one entry if nothing has.
func (a *Authenticator) makeRoom(now time.Time) {
	for hash, r := range a.known {
		if !now.Before(r.until) {
			delete(a.known, hash)
		}
	}
	for hash := range a.known {
		if len(a.known) < a.size {
			return
		}
		delete(a.known, hash)
	}
}
