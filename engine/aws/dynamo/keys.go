package dynamo

import (
	"context"
	stdbinary "encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/engine/encoding"
	"github.com/payonce/payonce/idempotency"
)

// Names of attributes of the items of API keys.
const (
	attrKeyHash = "k" // which key an id or a number stands for
	attrRevoked = "x"
)

// apiKey is an API key as it is stored; its hash is in the item's key, its end an attribute of its own. The keys are the
// stored format.
type apiKey struct {
	ID        string              `cbor:"1,keyasint"`
	Tenant    string              `cbor:"2,keyasint"`
	Principal string              `cbor:"3,keyasint"`
	Role      access.Role         `cbor:"4,keyasint"`
	Created   idempotency.Instant `cbor:"5,keyasint"`
	Hint      string              `cbor:"6,keyasint"`
}

func keyNumber(n uint64) []byte { return key(kindKeyNumber, stdbinary.BigEndian.AppendUint64(nil, n)) }

// PutKey implements access.Store. It is one transaction: the key, its id, its place in the list, and the last place.
func (l *Ledger) PutKey(ctx context.Context, k access.Key) error {
	data, err := encoding.Marshal(apiKey{
		ID: k.ID, Tenant: k.Tenant, Principal: k.Principal, Role: k.Role, Created: idempotency.At(k.Created), Hint: k.Hint,
	})
	if err != nil {
		return err
	}
	set := item{attrData: binary(data)}
	if !k.Revoked.IsZero() {
		set[attrRevoked] = number(idempotency.At(k.Revoked))
	}
	names := item{attrKeyHash: binary(k.Hash[:])}
	for range maxRounds {
		last, err := l.lastKey(ctx)
		if err != nil {
			return err
		}
		count := write{pk: key(kindKeyCount), whole: true, cond: ifAbsent, set: item{attrTurn: number(last + 1)}}
		if last > 0 {
			count.cond, count.expect = ifTurn, number(last)
		}
		refusals, err := l.write(ctx, "storing an API key", []write{
			{pk: key(kindKey, k.Hash[:]), whole: true, cond: ifAbsent, set: set},
			{pk: key(kindKeyID, []byte(k.ID)), whole: true, cond: ifAbsent, set: names},
			{pk: keyNumber(last + 1), whole: true, cond: ifAbsent, set: names},
			count,
		})
		switch {
		case err != nil || refusals == nil:
			return err
		case refusals[0].refused || refusals[1].refused:
			return access.ErrKeyExists
		}
	}
	return fmt.Errorf("storing an API key: %w", ErrContended)
}

// lastKey is the number of the key that was made last; 0 if there is none.
func (l *Ledger) lastKey(ctx context.Context) (uint64, error) {
	it, err := l.get(ctx, "reading API keys", key(kindKeyCount))
	if err != nil {
		return 0, err
	}
	return numberOf(it, attrTurn)
}

// LookupKey implements access.Store. The read is strongly consistent.
func (l *Ledger) LookupKey(ctx context.Context, hash [32]byte) (access.Key, error) {
	it, err := l.get(ctx, "looking up an API key", key(kindKey, hash[:]))
	if err != nil {
		return access.Key{}, err
	}
	if it == nil {
		return access.Key{}, access.ErrNoKey
	}
	return parseKey(it)
}

func parseKey(it item) (access.Key, error) {
	pk, err := binaryOf(it, attrPK)
	if err != nil {
		return access.Key{}, err
	}
	data, err := binaryOf(it, attrData)
	if err != nil {
		return access.Key{}, err
	}
	revoked, err := numberOf(it, attrRevoked)
	if err != nil {
		return access.Key{}, err
	}
	var s apiKey
	if err := encoding.Unmarshal(data, &s); err != nil || len(pk) != 33 || pk[0] != kindKey {
		return access.Key{}, fmt.Errorf("%w: an API key cannot be read: %w", ErrCorrupt, err)
	}
	return access.Key{
		ID: s.ID, Hash: [32]byte(pk[1:]), Tenant: s.Tenant, Principal: s.Principal, Role: s.Role,
		Created: s.Created.Time(), Revoked: idempotency.Instant(revoked).Time(), Hint: s.Hint,
	}, nil
}

// RevokeKey implements access.Store.
func (l *Ledger) RevokeKey(ctx context.Context, id string, at time.Time) error {
	it, err := l.get(ctx, "revoking an API key", key(kindKeyID, []byte(id)))
	if err != nil {
		return err
	}
	if it == nil {
		return access.ErrNoKey
	}
	hash, err := binaryOf(it, attrKeyHash)
	if err != nil {
		return err
	}
	_, err = l.try(ctx, "revoking an API key", func(ctx context.Context) error {
		_, err := l.config.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &l.config.Table, Key: item{attrPK: binary(key(kindKey, hash))},
			UpdateExpression:          aws.String("SET x = if_not_exists(x, :x)"),
			ConditionExpression:       aws.String("attribute_exists(pk)"),
			ExpressionAttributeValues: item{":x": number(idempotency.At(at))},
		}, once)
		return err
	})
	var gone *types.ConditionalCheckFailedException
	if errors.As(err, &gone) {
		return fmt.Errorf("%w: an API key's id leads nowhere", ErrCorrupt)
	}
	return err
}

// ListKeys implements access.Store. The reads are strongly consistent.
func (l *Ledger) ListKeys(ctx context.Context) ([]access.Key, error) {
	last, err := l.lastKey(ctx)
	if err != nil {
		return nil, err
	}
	var numbers [][]byte
	for n := range last {
		numbers = append(numbers, keyNumber(n+1))
	}
	places, err := l.getAll(ctx, "listing API keys", numbers)
	if err != nil {
		return nil, err
	}
	var hashes [][]byte
	for _, n := range numbers {
		hash, err := binaryOf(places[string(n)], attrKeyHash)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, key(kindKey, hash))
	}
	items, err := l.getAll(ctx, "listing API keys", hashes)
	if err != nil {
		return nil, err
	}
	var keys []access.Key
	for _, hash := range hashes {
		k, err := parseKey(items[string(hash)])
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}
