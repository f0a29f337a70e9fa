package dynamo

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/payonce/payonce/engine"
	"github.com/payonce/payonce/engine/encoding"
	"github.com/payonce/payonce/idempotency"
)

// Names of attributes of the installation's item.
const (
	attrGeneration = "g"
	attrBoot       = "n"
	attrTakenAt    = "t"
	attrAccount    = "a"
	attrLive       = "l"
	attrGate       = "w"
)

// drawn is what is drawn at the first boot and never changes. The keys are the stored format.
type drawn struct {
	Installation []byte              `cbor:"1,keyasint"`
	Secret       []byte              `cbor:"2,keyasint"`
	Created      idempotency.Instant `cbor:"3,keyasint"`
}

// Boot counts a start of a process and tells what the table knows. At the first boot of all the installation's id and
// secret are drawn from random, which must be cryptographic outside tests; of processes that boot at once, all get the
// same. A boot whose answer is lost is counted twice: numbers are never used again, but some are never used.
func (l *Ledger) Boot(ctx context.Context, random io.Reader, now idempotency.Instant) (engine.Meta, error) {
	id, err := uuid.NewRandomFromReader(random)
	if err != nil {
		return engine.Meta{}, fmt.Errorf("drawing the installation's id: %w", err)
	}
	d := drawn{Installation: id[:], Secret: make([]byte, len(engine.Secret{})), Created: now}
	if _, err := io.ReadFull(random, d.Secret); err != nil {
		return engine.Meta{}, fmt.Errorf("drawing the installation's secret: %w", err)
	}
	b, err := encoding.Marshal(d)
	if err != nil {
		return engine.Meta{}, err
	}
	var out *dynamodb.UpdateItemOutput
	_, err = l.try(ctx, "booting", func(ctx context.Context) (err error) {
		out, err = l.config.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &l.config.Table, Key: item{attrPK: binary(key(kindMeta))},
			UpdateExpression:          aws.String("SET d = if_not_exists(d, :d), g = if_not_exists(g, :g) ADD n :n"),
			ExpressionAttributeValues: item{":d": binary(b), ":g": number(1), ":n": number(1)},
			ReturnValues:              types.ReturnValueAllNew,
		}, once)
		return err
	})
	if err != nil {
		return engine.Meta{}, err
	}
	return parseMeta(out.Attributes)
}

// Meta reads what the table knows, and counts nothing. Boot is that of whoever booted last. ErrNoInstallation.
func (l *Ledger) Meta(ctx context.Context) (engine.Meta, error) {
	it, err := l.metaItem(ctx)
	if err != nil {
		return engine.Meta{}, err
	}
	return parseMeta(it)
}

// metaItem reads the installation's item. ErrNoInstallation.
func (l *Ledger) metaItem(ctx context.Context) (item, error) {
	it, err := l.get(ctx, "reading the installation", key(kindMeta))
	if err != nil {
		return nil, err
	}
	if it == nil {
		return nil, ErrNoInstallation
	}
	return it, nil
}

func parseMeta(it item) (m engine.Meta, err error) {
	b, err := binaryOf(it, attrData)
	if err != nil {
		return m, err
	}
	var d drawn
	if err := encoding.Unmarshal(b, &d); err != nil {
		return m, fmt.Errorf("%w: the installation: %w", ErrCorrupt, err)
	}
	if m.Installation, err = uuid.FromBytes(d.Installation); err != nil || len(d.Secret) != len(m.Secret) {
		return m, fmt.Errorf("%w: the installation's id or secret is missing", ErrCorrupt)
	}
	m.Secret, m.Created = engine.Secret(d.Secret), d.Created
	var taken uint64
	for name, into := range map[string]*uint64{attrGeneration: &m.Generation, attrBoot: &m.Boot, attrTakenAt: &taken} {
		if *into, err = numberOf(it, name); err != nil {
			return m, err
		}
	}
	m.TakenAt = idempotency.Instant(taken)
	return m, nil
}
