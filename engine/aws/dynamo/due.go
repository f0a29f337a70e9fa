package dynamo

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// IndexName is the table's one index.
const IndexName = "due"

// maxInstant is later than any moment that is stored.
const maxInstant = idempotency.Instant(1<<53 - 1)

// Due implements idempotency.Ledger: one query to each shard of the index, merged.
//
// The index is eventually consistent: it follows the table within a fraction of a second, at times later. A record that
// has just become due may be missing, and is in the next answer; one that no longer is due may be listed, and whoever
// wakes it finds that out in the record. An entry that names no operation is logged and passed over, so that it holds
// up nobody else.
//
// Units: half a read unit for each shard and 4 KB (about 100 entries).
func (l *Ledger) Due(ctx context.Context, now idempotency.Instant, limit int) ([]events.ID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if limit <= 0 {
		return nil, nil
	}
	var shards [DueShards][]entry
	var errs [DueShards]error
	var wg sync.WaitGroup
	for shard := range shards {
		wg.Go(func() { shards[shard], errs[shard] = l.dueOf(ctx, shard, now, limit) })
	}
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	due := slices.Concat(shards[:]...)
	slices.SortStableFunc(due, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
	var ids []events.ID
	for _, e := range due[:min(limit, len(due))] {
		ids = append(ids, e.id)
	}
	return ids, nil
}

var errEnough = errors.New("enough")

func (l *Ledger) dueOf(ctx context.Context, shard int, now idempotency.Instant, limit int) (due []entry, err error) {
	err = l.eachPage(ctx, indexQuery{shard: shard, to: now, limit: limit}, func(page []entry) error {
		for _, e := range page {
			id, err := idOf(item{attrPK: binary(e.pk)}, kindOperation)
			if err != nil {
				l.config.Logger.Error("the index of due records has a foreign entry", slog.Any("error", err))
				continue
			}
			e.id = id
			if due = append(due, e); len(due) == limit {
				return errEnough
			}
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return due, err
}

// entry is one entry of the index.
type entry struct {
	pk []byte
	id events.ID
	at uint64
}

// indexQuery asks one shard for a span of time, both ends included, the oldest first.
type indexQuery struct {
	shard    int
	from, to idempotency.Instant
	limit    int // of a page; 0: as much as fits
}

// inSpan are the entries of a shard between two moments.
const inSpan = "s = :s AND u BETWEEN :a AND :b"

// eachPage calls yield with each page, which may be empty, until it returns an error.
func (l *Ledger) eachPage(ctx context.Context, q indexQuery, yield func([]entry) error) error {
	index, span := IndexName, inSpan
	in := &dynamodb.QueryInput{
		TableName: &l.config.Table, IndexName: &index, KeyConditionExpression: &span,
		ExpressionAttributeValues: item{":s": number(q.shard), ":a": number(q.from), ":b": number(q.to)},
	}
	if q.limit > 0 {
		limit := int32(min(q.limit, 1000))
		in.Limit = &limit
	}
	for {
		var out *dynamodb.QueryOutput
		_, err := l.try(ctx, "reading the index", func(ctx context.Context) (err error) {
			out, err = l.config.Client.Query(ctx, in, once)
			return err
		})
		if err != nil {
			return err
		}
		page := make([]entry, 0, len(out.Items))
		for _, it := range out.Items {
			e := entry{}
			if e.pk, err = binaryOf(it, attrPK); err != nil {
				return err
			}
			if e.at, err = numberOf(it, attrDue); err != nil {
				return err
			}
			page = append(page, e)
		}
		if err := yield(page); err != nil {
			return err
		}
		if len(out.LastEvaluatedKey) == 0 {
			return nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}
