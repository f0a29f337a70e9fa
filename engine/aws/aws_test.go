//go:build aws

package aws_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/payonce/payonce/engine/aws"
	"github.com/payonce/payonce/engine/aws/dynamo"
	"github.com/payonce/payonce/engine/aws/sqs"
	"github.com/payonce/payonce/engine/aws/standin"
	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

// caughtUp reads the mirror after it has caught up: what the suite asks of a reader that is behind by nature.
type caughtUp struct{ s *aws.Store }

func (c caughtUp) wait(ctx context.Context) error { return c.s.CaughtUp(ctx) }

func (c caughtUp) List(ctx context.Context, f read.Filter) (read.Page, error) {
	if err := c.wait(ctx); err != nil {
		return read.Page{}, err
	}
	return c.s.List(ctx, f)
}

func (c caughtUp) Events(ctx context.Context, tenant string, after int64, limit int) (read.Feed, error) {
	if err := c.wait(ctx); err != nil {
		return read.Feed{}, err
	}
	return c.s.Events(ctx, tenant, after, limit)
}

func (c caughtUp) Overview(ctx context.Context, tenant string) (read.Overview, error) {
	if err := c.wait(ctx); err != nil {
		return read.Overview{}, err
	}
	return c.s.Overview(ctx, tenant)
}

func (c caughtUp) Letters(ctx context.Context, f read.LetterFilter) (read.LetterPage, error) {
	if err := c.wait(ctx); err != nil {
		return read.LetterPage{}, err
	}
	return c.s.Letters(ctx, f)
}

// Load is not behind: it reads the table.
func (c caughtUp) Load(ctx context.Context, id events.ID) (idempotency.Record, error) {
	return c.s.Load(ctx, id)
}

func TestConformance(t *testing.T) {
	enginetest.Run(t, func(t *testing.T, clock *enginetest.Clock) *enginetest.Engine {
		config := aws.Config{
			DynamoDB: standin.Config(standin.DynamoDB(t)), SQS: standin.Config(standin.SQS(t)),
			Table: nameOf(t), Queue: nameOf(t), Mirror: t.TempDir(), Poll: 5 * time.Millisecond, Now: clock.Now,
		}
		if err := dynamo.CreateTable(t.Context(), dynamodb.NewFromConfig(config.DynamoDB), config.Table); err != nil {
			t.Fatal(err)
		}
		if err := sqs.Create(t.Context(), awssqs.NewFromConfig(config.SQS), config.Queue); err != nil {
			t.Fatal(err)
		}
		var now *aws.Store
		t.Cleanup(func() {
			if err := now.Close(); err != nil {
				t.Error(err)
			}
		})
		var open func(t *testing.T) *enginetest.Engine
		open = func(t *testing.T) *enginetest.Engine {
			if now != nil {
				if err := now.Close(); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if now, err = aws.Open(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			return &enginetest.Engine{
				Ledger: now, Queue: now, Reader: caughtUp{now}, Letters: caughtUp{now}, Keys: now,
				Reopen: open, RealTime: time.Second, ApproximateDepth: true, Repeats: true,
			}
		}
		return open(t)
	})
}

// nameOf is a name for a table and a queue of this test's own.
func nameOf(t *testing.T) string {
	return strings.Map(func(r rune) rune {
		if r|0x20 >= 'a' && r|0x20 <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, t.Name())
}
