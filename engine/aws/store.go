// Package aws is the engine for more than one machine: the ledger in a DynamoDB table, the work queue in SQS, and what is
// read by list in a local mirror of the table. Any number of processes may use one table and one queue.
//
// A Change is carried out in the order record, messages. There is no third step: a settled record is its own outcome,
// which the mirrors read from the table's stream. A crash in between leaves a record without its message. It was not
// acknowledged then, and a repeat sends its message (rule 1); or it waits, and the janitor's index has it.
package aws

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/payonce/payonce/engine"
	"github.com/payonce/payonce/engine/aws/dynamo"
	"github.com/payonce/payonce/engine/aws/follow"
	"github.com/payonce/payonce/engine/aws/sqs"
	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

// Config says where everything is. Logger and Now have defaults, the rest is required.
type Config struct {
	// DynamoDB and SQS are how to reach them: region, credentials, and an endpoint for stand-ins.
	DynamoDB, SQS sdk.Config
	Table         string // name of the table
	Queue         string // name of the work queue
	// Mirror is the folder of the local mirror. It belongs to this process alone, and may be lost: it is copied from the
	// table again.
	Mirror string
	// Poll is the pause between two looks at the table's stream that bring nothing. Default 500 ms.
	Poll   time.Duration
	Logger *slog.Logger
	Now    func() time.Time
}

// ledger and work are embedded for what they have of the engine, under names of their own.
type (
	ledger = dynamo.Ledger
	work   = sqs.Queue
)

// Store is an open engine. Safe for concurrent use.
type Store struct {
	*ledger
	*work

	meta     engine.Meta
	mirror   *embedded.Store
	follower *follow.Follower
	log      *slog.Logger
	now      func() time.Time

	stop      context.CancelFunc // of the follower
	following sync.WaitGroup
}

var (
	_ engine.Engine = (*Store)(nil)
	_ read.Waiter   = (*Store)(nil)
	_ read.Letters  = (*Store)(nil)
)

// Open finds table and queue, counts a start of this process, and begins to follow the table. ctx bounds the opening
// only. The caller closes the Store.
func Open(ctx context.Context, c Config) (_ *Store, err error) {
	if c.Table == "" || c.Queue == "" || c.Mirror == "" {
		return nil, errors.New("the aws engine needs the names of its table and its queue, and a folder for its mirror")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	client := dynamodb.NewFromConfig(c.DynamoDB)
	s := &Store{log: c.Logger, now: c.Now, stop: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	s.ledger = dynamo.New(dynamo.Config{Client: client, Table: c.Table, Logger: c.Logger})
	if s.meta, err = s.Boot(ctx, rand.Reader, idempotency.At(c.Now())); err != nil {
		return nil, fmt.Errorf("table %s: %w", c.Table, err)
	}
	s.work, err = sqs.Open(ctx, sqs.Config{
		API: awssqs.NewFromConfig(c.SQS), Queue: c.Queue, Unreadable: s.unreadable, Now: c.Now, Logger: c.Logger,
	})
	if err != nil {
		return nil, err
	}
	if s.mirror, err = embedded.Open(ctx, embedded.Config{Dir: c.Mirror, Logger: c.Logger, Clock: c.Now}); err != nil {
		return nil, fmt.Errorf("open the mirror: %w", err)
	}
	s.follower, err = follow.New(follow.Config{
		Table: client, Streams: dynamodbstreams.NewFromConfig(c.DynamoDB), Name: c.Table,
		Ledger: s.ledger, Into: s.mirror, Poll: c.Poll, Now: c.Now, Logger: c.Logger,
	})
	if err != nil {
		return nil, err
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.following.Go(func() { _ = s.follower.Run(life) }) // it ends with life, without an error
	return s, nil
}

// Close finishes what was handed over, and lets go of the mirror.
func (s *Store) Close() error {
	s.stop()
	s.following.Wait()
	var errs []error
	if s.work != nil {
		errs = append(errs, s.work.Close())
	}
	if s.mirror != nil {
		errs = append(errs, s.mirror.Close())
	}
	return errors.Join(errs...)
}

// Commit implements idempotency.Ledger: the record, then its messages. After an error of the second step the record is
// written, and whoever repeats sends the messages again.
func (s *Store) Commit(ctx context.Context, c idempotency.Change) error {
	if err := s.Write(ctx, c); err != nil || len(c.Messages) == 0 {
		return err
	}
	tenant := ""
	if c.Record != nil {
		tenant = c.Record.Tenant
	}
	if err := s.Send(ctx, c.Messages, tenant); err != nil {
		return fmt.Errorf("send the work message: %w", err)
	}
	return nil
}

// Exclusive implements engine.Engine: any number of processes share table and queue.
func (s *Store) Exclusive() bool { return false }

// Meta implements engine.Engine.
func (s *Store) Meta() engine.Meta { return s.meta }

// Health implements engine.Engine. Whether AWS answers is told by each call for itself.
func (s *Store) Health() error { return nil }

// List implements read.Reader, from the mirror: as of [Store.AsOf].
func (s *Store) List(ctx context.Context, f read.Filter) (read.Page, error) {
	return s.mirror.List(ctx, f)
}

// Events implements read.Reader, from the mirror. Positions are the mirror's own, and of its generation.
func (s *Store) Events(ctx context.Context, tenant string, after int64, limit int) (read.Feed, error) {
	feed, err := s.mirror.Events(ctx, tenant, after, limit)
	feed.Generation = uint64(s.mirror.Meta().Created) // a mirror that is made anew counts anew
	return feed, err
}

// Overview implements read.Reader, from the mirror.
func (s *Store) Overview(ctx context.Context, tenant string) (read.Overview, error) {
	return s.mirror.Overview(ctx, tenant)
}

// Letters implements read.Letters, from the mirror.
func (s *Store) Letters(ctx context.Context, f read.LetterFilter) (read.LetterPage, error) {
	return s.mirror.Letters(ctx, f)
}

// Appended implements read.Waiter.
func (s *Store) Appended() <-chan struct{} { return s.mirror.Appended() }

// PruneEvents implements engine.Engine, in the mirror.
func (s *Store) PruneEvents(ctx context.Context, before time.Time) (int64, error) {
	return s.mirror.PruneEvents(ctx, before)
}

// AsOf is the moment up to which lists, feed and counts have everything; zero while they have not caught up once.
func (s *Store) AsOf() time.Time { return s.follower.AsOf() }

// CaughtUp waits until lists, feed and counts have what was written before the call. ctx.Err() when ctx ends first.
func (s *Store) CaughtUp(ctx context.Context) error { return s.follower.CaughtUp(ctx) }

// unreadable keeps what is on the work queue and names no operation, as a letter of nobody. It is deleted then.
func (s *Store) unreadable(ctx context.Context, body, id string) error {
	sum := sha256.Sum256([]byte("unreadable\x00" + id))
	s.log.Error("a message of the work queue cannot be read, see the dead letters", slog.Int("bytes", len(body)))
	return s.Write(ctx, idempotency.Change{Letter: &idempotency.Letter{
		Operation: events.ID(sum[:16]), Class: idempotency.AttentionOrphan, At: idempotency.At(s.now()),
		Reason: "message " + events.Redact(id) + " of the work queue cannot be read",
	}})
}
