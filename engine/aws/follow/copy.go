package follow

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payonce/payonce/engine/embedded"
)

// The names under which the mirror keeps how far it has come: the stream, and for each shard the number of the last
// change that was stored, or that the shard has ended.
const (
	streamName  = "stream"
	timeName    = "time" // when the mirror had everything, in ms
	shardPrefix = "shard/"
	shardEnded  = "ended"
)

// copy reads the whole table. The stream is read from its beginning afterwards, so what changes meanwhile is not missed.
func (f *Follower) copy(ctx context.Context, arn string, where map[string]string) error {
	f.c.Logger.Info("copying the table into the mirror")
	began := strconv.FormatInt(f.c.Now().UnixMilli(), 10)
	var start map[string]types.AttributeValue
	n := 0
	for {
		page, err := f.c.Table.Scan(ctx, &dynamodb.ScanInput{TableName: &f.c.Name, ExclusiveStartKey: start})
		if err != nil {
			return fmt.Errorf("scanning the table: %w", err)
		}
		copies, err := f.copies(ctx, page.Items)
		if err != nil {
			return err
		}
		if err := f.c.Into.Mirror(ctx, copies, nil); err != nil {
			return fmt.Errorf("storing a page of the table: %w", err)
		}
		n += len(copies)
		if start = page.LastEvaluatedKey; len(start) == 0 {
			break
		}
	}
	next := map[string]string{streamName: arn, timeName: began}
	for name := range where {
		if strings.HasPrefix(name, shardPrefix) {
			next[name] = "" // of another stream, or too old
		}
	}
	if err := f.c.Into.Mirror(ctx, nil, next); err != nil {
		return fmt.Errorf("storing that the table is copied: %w", err)
	}
	f.c.Logger.Info("the table is copied", slog.Int("records", n))
	return nil
}

// copies reads items, in their order.
func (f *Follower) copies(ctx context.Context, items []map[string]types.AttributeValue) ([]embedded.Copy, error) {
	var copies []embedded.Copy
	for _, it := range items {
		image, err := f.c.Ledger.Image(ctx, it)
		if err != nil {
			return nil, fmt.Errorf("reading an item: %w", err)
		}
		if image.Record != nil || len(image.Letters) > 0 {
			copies = append(copies, embedded.Copy{Record: image.Record, Letters: image.Letters})
		}
	}
	return copies, nil
}
