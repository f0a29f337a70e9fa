package follow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

const (
	// lookForShards is how often new shards are looked for; they are too when one has ended.
	lookForShards = 10 * time.Second
	// maxRecords is how many changes one read brings at most.
	maxRecords = 1000
)

// trimmedError: changes that the mirror has not seen have left the stream.
type trimmedError struct{ error }

func (e *trimmedError) Unwrap() error { return e.error }

// reading is one connection to a stream: the shards that are open, and where each one is read.
type reading struct {
	f      *Follower
	arn    string
	where  map[string]string // as it is stored, kept up to date
	shards []*shard          // parents before their children
	looked time.Time
	stale  bool // a shard has ended: look for its children
}

type shard struct {
	id, parent string
	iterator   *string
}

func newReading(f *Follower, arn string, where map[string]string) *reading {
	return &reading{f: f, arn: arn, where: where}
}

// round reads each shard whose turn it is, once. False: nothing was new.
func (r *reading) round(ctx context.Context) (news bool, err error) {
	if now := r.f.c.Now(); r.stale || now.Sub(r.looked) >= lookForShards || now.Before(r.looked) {
		if err := r.look(ctx); err != nil {
			return false, err
		}
		r.looked, r.stale = now, false
	}
	for _, s := range r.shards {
		if r.ended(s.id) || !r.turn(s) {
			continue
		}
		n, err := r.read(ctx, s)
		if err != nil {
			return news, err
		}
		news = news || n > 0
	}
	return news || r.stale, nil
}

func (r *reading) ended(id string) bool { return r.where[shardPrefix+id] == shardEnded }

// turn reports whether all changes before those of s were stored: an item moves from a shard to its child.
func (r *reading) turn(s *shard) bool {
	for _, p := range r.shards {
		if p.id == s.parent {
			return r.ended(p.id)
		}
	}
	return true // its parent has left the stream
}

// look lists the shards of the stream, and forgets those that have left it.
func (r *reading) look(ctx context.Context) error {
	known := map[string]*shard{}
	for _, s := range r.shards {
		known[s.id] = s
	}
	r.shards = r.shards[:0]
	listed := map[string]bool{}
	var after *string
	for {
		out, err := r.f.c.Streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &r.arn, ExclusiveStartShardId: after})
		if err != nil {
			return fmt.Errorf("listing the shards of the stream: %w", err)
		}
		for _, d := range out.StreamDescription.Shards {
			id := aws.ToString(d.ShardId)
			listed[shardPrefix+id] = true
			s := known[id]
			if s == nil {
				s = &shard{id: id, parent: aws.ToString(d.ParentShardId)}
			}
			r.shards = append(r.shards, s)
		}
		if after = out.StreamDescription.LastEvaluatedShardId; after == nil {
			break
		}
	}
	gone := map[string]string{}
	for name, last := range r.where {
		switch {
		case !strings.HasPrefix(name, shardPrefix) || listed[name]:
		case last != shardEnded:
			return &trimmedError{errors.New("a shard has left the stream before it was read to its end")}
		default:
			gone[name] = ""
		}
	}
	return r.store(ctx, nil, gone)
}

// read brings the next changes of a shard and stores them.
func (r *reading) read(ctx context.Context, s *shard) (int, error) {
	if s.iterator == nil {
		if err := r.locate(ctx, s); err != nil {
			return 0, err
		}
	}
	out, err := r.f.c.Streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: s.iterator, Limit: aws.Int32(maxRecords)})
	if err != nil {
		s.iterator = nil // it may have expired; the next round asks for another
		var expired *streamtypes.ExpiredIteratorException
		if errors.As(err, &expired) {
			return 0, nil
		}
		return 0, trimmed(fmt.Errorf("reading the stream: %w", err))
	}
	s.iterator = out.NextShardIterator
	next := map[string]string{}
	if n := len(out.Records); n > 0 {
		next[shardPrefix+s.id] = aws.ToString(out.Records[n-1].Dynamodb.SequenceNumber)
	}
	if out.NextShardIterator == nil {
		next[shardPrefix+s.id] = shardEnded
		r.stale = true
	}
	if len(next) == 0 {
		return 0, nil
	}
	return len(out.Records), r.store(ctx, out.Records, next)
}

// locate finds the place in a shard after the last change that was stored.
func (r *reading) locate(ctx context.Context, s *shard) error {
	in := &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &r.arn, ShardId: &s.id, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon,
	}
	if last := r.where[shardPrefix+s.id]; last != "" {
		in.ShardIteratorType, in.SequenceNumber = streamtypes.ShardIteratorTypeAfterSequenceNumber, &last
	}
	out, err := r.f.c.Streams.GetShardIterator(ctx, in)
	if err != nil {
		return trimmed(fmt.Errorf("finding the place in the stream: %w", err))
	}
	s.iterator = out.ShardIterator
	return nil
}

func trimmed(err error) error {
	var t *streamtypes.TrimmedDataAccessException
	if errors.As(err, &t) {
		return &trimmedError{err}
	}
	return err
}

// store stores changes, and how far they go.
func (r *reading) store(ctx context.Context, records []streamtypes.Record, next map[string]string) error {
	if len(next) == 0 {
		return nil
	}
	items := make([]map[string]types.AttributeValue, 0, len(records))
	for _, rec := range records {
		if len(rec.Dynamodb.NewImage) == 0 {
			continue // removed: nothing that is mirrored ever is
		}
		it := map[string]types.AttributeValue{}
		for name, v := range rec.Dynamodb.NewImage {
			converted, err := convert(v)
			if err != nil {
				return err
			}
			it[name] = converted
		}
		items = append(items, it)
	}
	copies, err := r.f.copies(ctx, items)
	if err != nil {
		return err
	}
	if err := r.f.c.Into.Mirror(ctx, copies, next); err != nil {
		return fmt.Errorf("storing changes: %w", err)
	}
	for name, value := range next {
		if value == "" {
			delete(r.where, name)
		} else {
			r.where[name] = value
		}
	}
	return nil
}

// convert gives a value of the stream as one of the table; the SDK has a type for each.
func convert(v streamtypes.AttributeValue) (types.AttributeValue, error) {
	switch v := v.(type) {
	case *streamtypes.AttributeValueMemberB:
		return &types.AttributeValueMemberB{Value: v.Value}, nil
	case *streamtypes.AttributeValueMemberN:
		return &types.AttributeValueMemberN{Value: v.Value}, nil
	case *streamtypes.AttributeValueMemberS:
		return &types.AttributeValueMemberS{Value: v.Value}, nil
	case *streamtypes.AttributeValueMemberBOOL:
		return &types.AttributeValueMemberBOOL{Value: v.Value}, nil
	}
	return nil, fmt.Errorf("follow: the stream has a value of type %T", v)
}
