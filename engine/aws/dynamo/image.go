package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

// Image is what an item of the table says to whoever mirrors it. Items that are of no interest to readers give an empty
// one.
type Image struct {
	Record  *idempotency.Record // whole, Request and Frozen included
	Letters []read.Letter       // all of an operation, as they stand
}

// Image reads an item, from a scan or from the table's stream. Parts of a record that stand apart are read from the
// table; they never change. ErrCorrupt.
func (l *Ledger) Image(ctx context.Context, it map[string]types.AttributeValue) (Image, error) {
	pk, err := binaryOf(it, attrPK)
	if err != nil {
		return Image{}, err
	}
	if len(pk) == 0 {
		return Image{}, fmt.Errorf("%w: an item without a key", ErrCorrupt)
	}
	switch pk[0] {
	case kindOperation:
		s, err := parse(it)
		if err != nil {
			return Image{}, err
		}
		r, err := l.whole(ctx, s)
		return Image{Record: &r}, err
	case kindLetters:
		id, err := idOf(it, kindLetters)
		if err != nil {
			return Image{}, err
		}
		letters, err := readLetters(id, it)
		return Image{Letters: letters}, err
	}
	return Image{}, nil
}
