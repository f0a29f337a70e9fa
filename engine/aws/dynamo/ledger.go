package dynamo

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/idempotency"
)

// API is what a Ledger uses of *dynamodb.Client.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Config of a Ledger.
type Config struct {
	// Client talks to DynamoDB. Required. Its own retries are not used.
	Client API
	// Table is the table's name. Required.
	Table string
	// Tries bounds how often one call is made. Default 8.
	Tries int
	// TryTimeout bounds one try; then its answer counts as lost. Default 3 s.
	TryTimeout time.Duration
	// FirstDelay and MaxDelay bound the doubling delay between tries, before jitter. Defaults 25 ms and 2 s.
	FirstDelay, MaxDelay time.Duration
	// Jitter draws from [0, 1): each delay is multiplied with it. Default math/rand/v2. Safe for concurrent use.
	Jitter func() float64
	// Logger hears of items that are passed over. Default: nobody.
	Logger *slog.Logger
}

// Ledger is a ledger, and a store of API keys, in a DynamoDB table. Safe for concurrent use; it has no goroutines and
// nothing to close.
type Ledger struct{ config Config }

var (
	_ idempotency.Ledger = (*Ledger)(nil)
	_ access.Store       = (*Ledger)(nil)
	_ API                = (*dynamodb.Client)(nil)
)

// New returns a Ledger. It calls nobody.
func New(c Config) *Ledger {
	if c.Tries <= 0 {
		c.Tries = 8
	}
	if c.TryTimeout <= 0 {
		c.TryTimeout = 3 * time.Second
	}
	if c.FirstDelay <= 0 {
		c.FirstDelay = 25 * time.Millisecond
	}
	if c.MaxDelay <= 0 {
		c.MaxDelay = 2 * time.Second
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Ledger{config: c}
}

// AtomicAccept is false: record and message are two writes.
func (l *Ledger) AtomicAccept() bool { return false }

// Commit implements idempotency.Ledger for a Change that is nothing but a record and a letter. ErrParts for one with
// messages or an outcome: nothing of it is written, since dropping them without a word would lose a payment. Engines
// use Write and carry those parts out themselves.
func (l *Ledger) Commit(ctx context.Context, c idempotency.Change) error {
	if len(c.Messages) > 0 || c.Outcome != nil {
		return ErrParts
	}
	return l.Write(ctx, c)
}

// once turns the SDK's retries off.
func once(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }
