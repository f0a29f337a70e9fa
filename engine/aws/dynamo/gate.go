package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payonce/payonce/engine"
	"github.com/payonce/payonce/engine/encoding"
	"github.com/payonce/payonce/idempotency"
)

// window is idempotency.Window as it is stored.
type window struct {
	From   idempotency.Instant `cbor:"1,keyasint"`
	To     idempotency.Instant `cbor:"2,keyasint"`
	Oldest idempotency.Instant `cbor:"3,keyasint,omitempty"`
}

// Gate is the window that a restored table may have forgotten; nil in normal work and before the first Boot.
func (l *Ledger) Gate(ctx context.Context) (*idempotency.Window, error) {
	it, err := l.metaItem(ctx)
	if errors.Is(err, ErrNoInstallation) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseGate(it)
}

func parseGate(it item) (*idempotency.Window, error) {
	b, err := binaryOf(it, attrGate)
	if b == nil || err != nil {
		return nil, err
	}
	var w window
	if err := encoding.Unmarshal(b, &w); err != nil {
		return nil, fmt.Errorf("%w: the window of a restore: %w", ErrCorrupt, err)
	}
	return &idempotency.Window{From: w.From, To: w.To, Oldest: w.Oldest}, nil
}

// OpenGate stamps a table that was restored to the moment taken: a new generation, and a window that first attempts
// ask Stripe about until it was swept. A window that is open already is widened. No other process may use the table
// before it returns nil. ErrNoInstallation for a table that nobody has booted on; ErrContended if one does so now.
func (l *Ledger) OpenGate(ctx context.Context, taken, now idempotency.Instant, w idempotency.Window) (engine.Meta, error) {
	it, err := l.metaItem(ctx)
	if err != nil {
		return engine.Meta{}, err
	}
	m, err := parseMeta(it)
	if err != nil {
		return engine.Meta{}, err
	}
	open, err := parseGate(it)
	if err != nil {
		return engine.Meta{}, err
	}
	if open != nil {
		w.From, w.To = min(w.From, open.From), max(w.To, open.To)
		w.Oldest = oldest(w.Oldest, open.Oldest)
	}
	b, err := encoding.Marshal(window(w))
	if err != nil {
		return engine.Meta{}, err
	}
	was := m.Generation
	// The time, so that two restores to one moment differ; never less than one more, whatever the clock says.
	m.Generation, m.TakenAt = max(was+1, uint64(now)), taken
	refusals, err := l.write(ctx, "stamping a restored table", []write{{
		pk: key(kindMeta), cond: "g = :e", expect: number(was),
		set: item{attrGeneration: number(m.Generation), attrTakenAt: number(taken), attrGate: binary(b)},
	}})
	if err == nil && refusals != nil {
		err = fmt.Errorf("stamping a restored table: %w", ErrContended)
	}
	return m, err
}

// oldest is the earlier of two moments of which one may be none.
func oldest(a, b idempotency.Instant) idempotency.Instant {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// CloseGate forgets the window of Gate, durably: it has been swept.
func (l *Ledger) CloseGate(ctx context.Context) error {
	_, err := l.try(ctx, "closing the window of a restore", func(ctx context.Context) error {
		_, err := l.config.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &l.config.Table, Key: item{attrPK: binary(key(kindMeta))},
			UpdateExpression: aws.String("REMOVE w"), ConditionExpression: aws.String("attribute_exists(d)"),
		}, once)
		return err
	})
	var none *types.ConditionalCheckFailedException
	if errors.As(err, &none) {
		return nil // a table that nobody has booted on has no window
	}
	return err
}
