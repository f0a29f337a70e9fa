package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/idempotency"
)

const keyColumns = "SELECT id, hash, tenant, principal, role, hint, created, coalesce(revoked, 0) FROM access_key "

// PutKey implements access.Store.
func (s *Store) PutKey(ctx context.Context, k access.Key) error {
	return s.submit(ctx, newErrand(func(b *batch) (err error) {
		st, err := b.w.link.prepare(`INSERT INTO access_key (id, hash, tenant, principal, role, hint, created, revoked)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
		if err != nil {
			return err
		}
		defer func() { err = closing(err, st) }()
		n, err := st.exec(k.ID, k.Hash[:], k.Tenant, k.Principal, string(k.Role), k.Hint,
			int64(idempotency.At(k.Created)), null(int64(idempotency.At(k.Revoked))))
		if err == nil && n == 0 {
			return refusal{access.ErrKeyExists}
		}
		return err
	}))
}

// RevokeKey implements access.Store.
func (s *Store) RevokeKey(ctx context.Context, id string, at time.Time) error {
	return s.submit(ctx, newErrand(func(b *batch) (err error) {
		st, err := b.w.link.prepare("UPDATE access_key SET revoked = coalesce(revoked, ?) WHERE id = ?")
		if err != nil {
			return err
		}
		defer func() { err = closing(err, st) }()
		n, err := st.exec(int64(idempotency.At(at)), id)
		if err == nil && n == 0 {
			return refusal{access.ErrNoKey}
		}
		return err
	}))
}

// closing closes a statement of an errand and keeps a refusal as it is.
func closing(err error, st *stmt) error {
	if e := st.close(); e != nil {
		return errors.Join(err, e)
	}
	return err
}

// ListKeys implements access.Store.
func (r *Reader) ListKeys(ctx context.Context) ([]access.Key, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	var keys []access.Key
	err := each(ctx, r.keys, func(rows *sql.Rows) error {
		k, err := scanKey(rows)
		keys = append(keys, k)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing API keys: %w", explain(err))
	}
	return keys, nil
}

// LookupKey implements access.Store.
func (r *Reader) LookupKey(ctx context.Context, hash [32]byte) (access.Key, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	k, err := scanKey(r.keyByHash.QueryRowContext(ctx, hash[:]))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return access.Key{}, access.ErrNoKey
	case err != nil:
		return access.Key{}, fmt.Errorf("looking up an API key: %w", explain(err))
	}
	return k, nil
}

func scanKey(row interface{ Scan(...any) error }) (k access.Key, err error) {
	var hash []byte
	var created, revoked idempotency.Instant
	if err := row.Scan(&k.ID, &hash, &k.Tenant, &k.Principal, &k.Role, &k.Hint, &created, &revoked); err != nil {
		return k, err
	}
	if len(hash) != len(k.Hash) {
		return k, fmt.Errorf("%w: a key's hash has %d bytes", ErrCorrupt, len(hash))
	}
	k.Hash, k.Created, k.Revoked = [32]byte(hash), created.Time(), revoked.Time()
	return k, nil
}
