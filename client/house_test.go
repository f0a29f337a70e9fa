package client_test

import (
	"context"
	"crypto/rand"
	"net/http/httptest"
	"time"

	"github.com/google/uuid"

	"github.com/payonce/payonce/accept"
	"github.com/payonce/payonce/accept/accepttest"
	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/api"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// house is an installation without workers: the real API on a ledger in memory.
type house struct {
	*httptest.Server
	Key    string
	Ledger *accepttest.Ledger
}

// oneKey is an Authenticator that knows one secret.
type oneKey struct {
	secret string
	key    access.Key
}

func (o oneKey) Authenticate(_ context.Context, secret string) (access.Key, error) {
	if secret != o.secret {
		return access.Key{}, access.ErrDenied
	}
	return o.key, nil
}

// open starts a house. It has no testing.T, for the examples: what cannot fail panics.
func open() *house {
	ledger := accepttest.New()
	desk, err := accept.New(accept.Config{
		Ledger: ledger, Installation: uuid.MustParse("0d9c2a52-7c9d-4d6f-8a9e-2f1f0c8b7a61"),
		Secret: []byte("0123456789abcdef0123456789abcdef"),
	})
	must(err)
	key, secret, err := access.New("shop", "checkout", access.Producer, rand.Reader, time.Now())
	must(err)
	a, err := api.New(api.Config{
		Desk: desk, Reader: ledger, Keys: oneKey{secret, key}, Queue: ledger, Source: "urn:payonce:example",
	})
	must(err)
	return &house{Server: httptest.NewServer(a), Key: secret, Ledger: ledger}
}

// Succeed does what a worker would have done.
func (h *house) Succeed(id string) {
	payment, err := events.ParseID(id)
	must(err)
	h.Ledger.Change(payment, func(r *idempotency.Record) {
		r.State, r.Captured = idempotency.Succeeded, r.Amount.Minor
		r.Updated = r.Updated.Add(time.Second)
	})
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
