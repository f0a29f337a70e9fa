// Package access is who may use payonce: API keys, what they allow, and how a presented one is checked.
//
// A key is a random secret that is shown once, when it is made. Stores keep its SHA-256 only: the secret has 256 random
// bits, so a slow, salted hash would add nothing. A key acts for one principal (a person or a service) of one tenant.
package access

import (
	"context"
	"errors"
	"time"
)

// Role is what a key allows.
type Role string

// The roles.
const (
	// Producer submits, cancels and reads payments of its tenant.
	Producer Role = "producer"
	// Admin may do what operators do, besides what a producer may.
	Admin Role = "admin"
)

// Valid reports whether the role is one of the above.
func (r Role) Valid() bool { return r == Producer || r == Admin }

// Key is an API key as it is stored: everything but the secret.
type Key struct {
	ID        string   // key_ and 16 hexadecimal digits; says nothing about the secret
	Hash      [32]byte // Hash(secret)
	Tenant    string
	Principal string // the person or service that the key acts for
	Role      Role
	Created   time.Time // UTC, whole milliseconds
	Revoked   time.Time // zero: it is valid
	Hint      string    // the last four characters of the secret, to tell keys apart
}

// Active reports whether the key has not been revoked.
func (k Key) Active() bool { return k.Revoked.IsZero() }

// Errors of a Store and of an Authenticator.
var (
	// ErrNoKey: no such key is stored.
	ErrNoKey = errors.New("no such API key")
	// ErrKeyExists: a key with this id or this hash is stored already.
	ErrKeyExists = errors.New("the API key is stored already")
	// ErrDenied: the secret is missing, malformed, unknown or revoked; which of these is not said.
	ErrDenied = errors.New("the API key is missing or not valid")
)

// Store keeps keys. Safe for concurrent use. What a method has changed is durable when it returns nil.
type Store interface {
	// PutKey stores a new key. ErrKeyExists.
	PutKey(ctx context.Context, k Key) error
	// ListKeys gives all keys of all tenants, revoked ones included, in the order they were made.
	ListKeys(ctx context.Context) ([]Key, error)
	// RevokeKey ends a key at a moment. One that was revoked before keeps its first moment. ErrNoKey.
	RevokeKey(ctx context.Context, id string, at time.Time) error
	// LookupKey finds a key by its hash, revoked ones included. ErrNoKey.
	LookupKey(ctx context.Context, hash [32]byte) (Key, error)
}
