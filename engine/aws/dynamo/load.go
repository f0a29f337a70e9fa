package dynamo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cenkalti/backoff/v4"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// Load implements idempotency.Ledger. The read is strongly consistent: it sees every commit that returned before.
// Errors: idempotency.ErrNotFound, ErrCorrupt, ErrNoTable, ctx's.
func (l *Ledger) Load(ctx context.Context, id events.ID) (idempotency.Record, error) {
	it, err := l.get(ctx, "loading a record", operationKey(id))
	if err != nil {
		return idempotency.Record{}, err
	}
	if it == nil {
		return idempotency.Record{}, idempotency.ErrNotFound
	}
	s, err := parse(it)
	if err != nil {
		return idempotency.Record{}, err
	}
	return l.whole(ctx, s)
}

// whole reads the parts of a record that stand apart and puts it together.
func (l *Ledger) whole(ctx context.Context, s stored) (idempotency.Record, error) {
	var keys [][]byte
	for _, hash := range [][]byte{s.requestPart, s.frozenPart} {
		if hash != nil {
			keys = append(keys, key(kindPart, s.id[:], hash))
		}
	}
	parts, err := l.getAll(ctx, "loading the parts of a record", keys)
	if err != nil {
		return idempotency.Record{}, err
	}
	for _, p := range []struct {
		hash []byte
		into *[]byte
	}{{s.requestPart, &s.request}, {s.frozenPart, &s.frozen}} {
		if p.hash == nil {
			continue
		}
		content, err := binaryOf(parts[string(key(kindPart, s.id[:], p.hash))], attrData)
		if err != nil {
			return idempotency.Record{}, err
		}
		if !bytes.Equal(partHash(content), p.hash) {
			return idempotency.Record{}, fmt.Errorf("%w: a part of the record of %s is missing or altered", ErrCorrupt, s.id)
		}
		*p.into = content
	}
	return s.decode()
}

// get reads one item, strongly consistent. Nil without one.
func (l *Ledger) get(ctx context.Context, what string, pk []byte) (it item, err error) {
	_, err = l.try(ctx, what, func(ctx context.Context) error {
		consistent := true
		out, err := l.config.Client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: &l.config.Table, Key: item{attrPK: binary(pk)}, ConsistentRead: &consistent,
		}, once)
		if err != nil {
			return err
		}
		it = out.Item
		return nil
	})
	if len(it) == 0 {
		it = nil
	}
	return it, err
}

// maxBatchGet is how many items one BatchGetItem reads.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
const maxBatchGet = 100

// getAll reads items by their keys, which differ, strongly consistent, and gives those that exist by key.
func (l *Ledger) getAll(ctx context.Context, what string, keys [][]byte) (map[string]item, error) {
	found := map[string]item{}
	for len(keys) > 0 {
		n := min(len(keys), maxBatchGet)
		var batch []item
		for _, pk := range keys[:n] {
			batch = append(batch, item{attrPK: binary(pk)})
		}
		keys = keys[n:]
		if err := l.getBatch(ctx, what, batch, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// errNothing: a batch was answered without any of its items, for lack of throughput.
var errNothing = errors.New("DynamoDB gave none of the items")

// getBatch asks again for what an answer leaves out: it may be too long, or the throughput too low.
func (l *Ledger) getBatch(ctx context.Context, what string, batch []item, found map[string]item) error {
	delays := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(l.config.FirstDelay), backoff.WithMaxInterval(l.config.MaxDelay),
		backoff.WithRandomizationFactor(0), backoff.WithMaxElapsedTime(0),
	)
	empty := 0
	for len(batch) > 0 {
		var out *dynamodb.BatchGetItemOutput
		_, err := l.try(ctx, what, func(ctx context.Context) (err error) {
			consistent := true
			out, err = l.config.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
				RequestItems: map[string]types.KeysAndAttributes{l.config.Table: {Keys: batch, ConsistentRead: &consistent}},
			}, once)
			return err
		})
		if err != nil {
			return err
		}
		for _, it := range out.Responses[l.config.Table] {
			pk, err := binaryOf(it, attrPK)
			if err != nil {
				return err
			}
			found[string(pk)] = it
		}
		batch = out.UnprocessedKeys[l.config.Table].Keys
		if len(batch) == 0 {
			return nil
		}
		if len(out.Responses[l.config.Table]) > 0 {
			continue
		}
		if empty++; empty >= l.config.Tries {
			return fmt.Errorf("%s: %w", what, errNothing)
		}
		if err := wait(ctx, time.Duration(float64(delays.NextBackOff())*l.config.Jitter())); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}
