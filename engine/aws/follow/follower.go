package follow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/payonce/payonce/engine/aws/dynamo"
	"github.com/payonce/payonce/engine/embedded"
)

// TableAPI is what a Follower uses of *dynamodb.Client.
type TableAPI interface {
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// StreamAPI is what a Follower uses of *dynamodbstreams.Client.
type StreamAPI interface {
	DescribeStream(context.Context, *dynamodbstreams.DescribeStreamInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error)
	GetShardIterator(context.Context, *dynamodbstreams.GetShardIteratorInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error)
	GetRecords(context.Context, *dynamodbstreams.GetRecordsInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error)
}

// Config of a Follower. All but the last three are required.
type Config struct {
	Table   TableAPI
	Streams StreamAPI
	Name    string // of the table
	Ledger  *dynamo.Ledger
	Into    *embedded.Store // used for nothing else
	// Poll is the pause after a round over all shards that brought nothing. Default 500 ms; AWS allows five reads a
	// second of a shard.
	Poll   time.Duration
	Now    func() time.Time // default time.Now
	Logger *slog.Logger     // default: none
}

// Follower follows the stream of one table.
type Follower struct {
	c    Config
	asOf atomic.Int64 // ms

	mu      sync.Mutex
	waiting []chan struct{} // of CaughtUp
}

// ErrNoStream tells that the table has no stream.
var ErrNoStream = errors.New("the table has no stream: turn it on, with new images")

const (
	// reach is how long a mirror may have been away and still find in the stream what it missed. A stream goes back
	// for 24 hours, and shards that have left it leave no trace.
	reach = 20 * time.Hour
	// storeTime is how often it is stored that the mirror has everything.
	storeTime = 5 * time.Minute
)

// The pause after a failure, doubling from the first to the longest.
const (
	pauseFirst   = time.Second
	pauseLongest = 30 * time.Second
)

// New checks the configuration.
func New(c Config) (*Follower, error) {
	if c.Table == nil || c.Streams == nil || c.Name == "" || c.Ledger == nil || c.Into == nil {
		return nil, errors.New("follow: table, streams, name, ledger and store are required")
	}
	if c.Poll <= 0 {
		c.Poll = 500 * time.Millisecond
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Follower{c: c}, nil
}

// AsOf is the moment up to which the mirror has everything; zero while it has not caught up for the first time.
func (f *Follower) AsOf() time.Time {
	if ms := f.asOf.Load(); ms != 0 {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}

// CaughtUp waits until a round over the whole stream that began after this call brought nothing: what was written before
// the call is mirrored then, as far as the stream shows it. ctx.Err() when ctx ends first.
func (f *Follower) CaughtUp(ctx context.Context) error {
	done := make(chan struct{})
	f.mu.Lock()
	f.waiting = append(f.waiting, done)
	f.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take gives those who wait, and forgets them.
func (f *Follower) take() []chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.waiting
	f.waiting = nil
	return all
}

// Run follows until ctx ends; then it returns nil. Failures are logged, and tried again.
func (f *Follower) Run(ctx context.Context) error {
	pause := pauseFirst
	for {
		progress, err := f.follow(ctx)
		if progress {
			pause = pauseFirst
		}
		if ctx.Err() == nil {
			f.c.Logger.Warn("following the table failed, trying again", slog.String("error", err.Error()), slog.Duration("wait", pause))
		}
		if !wait(ctx, pause) {
			return nil
		}
		pause = min(2*pause, pauseLongest)
	}
}

// follow copies the table if it must, then reads the stream until something fails.
func (f *Follower) follow(ctx context.Context) (progress bool, err error) {
	table, err := f.c.Table.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &f.c.Name})
	if err != nil {
		return false, fmt.Errorf("describing the table: %w", err)
	}
	arn := table.Table.LatestStreamArn
	if arn == nil {
		return false, ErrNoStream
	}
	where, err := f.c.Into.Mirrored(ctx)
	if err != nil {
		return false, err
	}
	if where[streamName] != *arn || f.away(where) > reach {
		if err := f.copy(ctx, *arn, where); err != nil {
			return false, err
		}
		if where, err = f.c.Into.Mirrored(ctx); err != nil {
			return false, err
		}
	}
	r := newReading(f, *arn, where)
	var waiting []chan struct{}
	defer func() {
		f.mu.Lock()
		f.waiting = append(f.waiting, waiting...) // of the next try
		f.mu.Unlock()
	}()
	for {
		began := f.c.Now()
		waiting = append(waiting, f.take()...)
		news, err := r.round(ctx)
		var trimmed *trimmedError
		if errors.As(err, &trimmed) {
			f.c.Logger.Warn("the mirror was away for longer than the stream goes back, copying the table")
			return progress, errors.Join(f.c.Into.Mirror(ctx, nil, map[string]string{streamName: ""}), err)
		}
		if err != nil {
			return progress, err
		}
		progress = true
		if news {
			continue
		}
		if err := f.caughtUp(ctx, began, where); err != nil {
			return progress, err
		}
		for _, done := range waiting {
			close(done)
		}
		waiting = nil
		if !wait(ctx, f.c.Poll) {
			return progress, ctx.Err()
		}
	}
}

// away is how long ago the mirror had everything, as it is stored.
func (f *Follower) away(where map[string]string) time.Duration {
	ms, err := strconv.ParseInt(where[timeName], 10, 64)
	if err != nil {
		return reach + 1
	}
	return f.c.Now().Sub(time.UnixMilli(ms))
}

// caughtUp notes that the mirror has everything up to a moment, durably every few minutes.
func (f *Follower) caughtUp(ctx context.Context, at time.Time, where map[string]string) error {
	f.asOf.Store(at.UnixMilli())
	if f.away(where) < storeTime {
		return nil
	}
	where[timeName] = strconv.FormatInt(at.UnixMilli(), 10)
	return f.c.Into.Mirror(ctx, nil, map[string]string{timeName: where[timeName]})
}

// wait lets d pass. False: ctx has ended before.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
