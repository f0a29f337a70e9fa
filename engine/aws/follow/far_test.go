package follow_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// far is a table with its stream, in memory. Shards hold items; an item is what a change left behind.
type far struct {
	mu     sync.Mutex
	arn    string
	items  []map[string]types.AttributeValue // of a scan
	shards []*farShard
	scans  int
	fail   error // of the next read of the stream
}

// set changes what is there while others read it.
func (f *far) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

type farShard struct {
	id, parent string
	first      int // the number of the first change that is still there
	images     []map[string]types.AttributeValue
	closed     bool
}

func (f *far) DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := &types.TableDescription{}
	if f.arn != "" {
		t.LatestStreamArn = &f.arn
	}
	return &dynamodb.DescribeTableOutput{Table: t}, nil
}

func (f *far) Scan(_ context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	// One item a page.
	n := 0
	if at, ok := in.ExclusiveStartKey["n"].(*types.AttributeValueMemberN); ok {
		n, _ = strconv.Atoi(at.Value)
	} else {
		f.scans++
	}
	out := &dynamodb.ScanOutput{}
	if n < len(f.items) {
		out.Items = f.items[n : n+1]
	}
	if n+1 < len(f.items) {
		out.LastEvaluatedKey = map[string]types.AttributeValue{"n": &types.AttributeValueMemberN{Value: strconv.Itoa(n + 1)}}
	}
	return out, nil
}

func (f *far) DescribeStream(_ context.Context, in *dynamodbstreams.DescribeStreamInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	// One shard a page.
	d := &streamtypes.StreamDescription{}
	for i, s := range f.shards {
		if in.ExclusiveStartShardId != nil && (i == 0 || f.shards[i-1].id != *in.ExclusiveStartShardId) {
			continue
		}
		d.Shards = []streamtypes.Shard{{ShardId: &s.id, ParentShardId: optional(s.parent)}}
		if i+1 < len(f.shards) {
			d.LastEvaluatedShardId = &s.id
		}
		break
	}
	return &dynamodbstreams.DescribeStreamOutput{StreamDescription: d}, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (f *far) GetShardIterator(_ context.Context, in *dynamodbstreams.GetShardIteratorInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.shards {
		if s.id != *in.ShardId {
			continue
		}
		at := s.first
		if in.ShardIteratorType == streamtypes.ShardIteratorTypeAfterSequenceNumber {
			last, _ := strconv.Atoi(*in.SequenceNumber)
			if at = last + 1; at < s.first {
				return nil, &streamtypes.TrimmedDataAccessException{}
			}
		}
		return &dynamodbstreams.GetShardIteratorOutput{ShardIterator: aws.String(fmt.Sprintf("%s@%d", s.id, at))}, nil
	}
	return nil, &streamtypes.ResourceNotFoundException{}
}

func (f *far) GetRecords(_ context.Context, in *dynamodbstreams.GetRecordsInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail; err != nil {
		f.fail = nil
		return nil, err
	}
	var id string
	var at int
	for _, s := range f.shards {
		if n, err := fmt.Sscanf(*in.ShardIterator, s.id+"@%d", &at); err != nil || n != 1 {
			continue
		}
		id = s.id
		out := &dynamodbstreams.GetRecordsOutput{}
		// Two changes a read.
		for ; at < s.first+len(s.images) && len(out.Records) < 2; at++ {
			image := map[string]streamtypes.AttributeValue{}
			for name, v := range s.images[at-s.first] {
				switch v := v.(type) {
				case *types.AttributeValueMemberB:
					image[name] = &streamtypes.AttributeValueMemberB{Value: v.Value}
				case *types.AttributeValueMemberN:
					image[name] = &streamtypes.AttributeValueMemberN{Value: v.Value}
				case *types.AttributeValueMemberBOOL:
					image[name] = &streamtypes.AttributeValueMemberBOOL{Value: v.Value}
				default:
					return nil, fmt.Errorf("an item has a %T", v)
				}
			}
			out.Records = append(out.Records, streamtypes.Record{Dynamodb: &streamtypes.StreamRecord{
				NewImage: image, SequenceNumber: aws.String(strconv.Itoa(at)),
			}})
		}
		if !s.closed || at < s.first+len(s.images) {
			out.NextShardIterator = aws.String(fmt.Sprintf("%s@%d", id, at))
		}
		return out, nil
	}
	return nil, errors.New("no such iterator")
}
