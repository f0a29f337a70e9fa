package dynamo

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payonce/payonce/engine/encoding"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// item is one item of the table, or a piece of one.
type item = map[string]types.AttributeValue

// The first byte of a partition key.
const (
	kindOperation = 'o'
	kindHolder    = 'h'
	kindPart      = 'p'
	kindLetters   = 'l'
	kindKey       = 'k'
	kindKeyID     = 'i'
	kindKeyNumber = 'n'
	kindKeyCount  = 'c'
	kindMeta      = 'm'
)

// The names of attributes.
const (
	attrPK       = "pk"
	attrVersion  = "v"
	attrData     = "d"
	attrRequest  = "r"
	attrFrozen   = "f"
	attrRequestP = "q" // hash of the part that the request is in
	attrFrozenP  = "g" // likewise of the frozen form
	attrHolds    = "h"
	attrShard    = "s"
	attrDue      = "u"
	attrOwner    = "o" // holder: the operation
	attrTurn     = "n" // holder: grows each time the reference is taken
)

// DueShards is how many partitions of the index the due records are spread over: one takes 1,000 writes a second.
const DueShards = 8

// letterShard is added to the shard of letters, which share the index.
const letterShard = 100

func key(kind byte, parts ...[]byte) []byte {
	return append([]byte{kind}, bytes.Join(parts, nil)...)
}

func operationKey(id events.ID) []byte { return key(kindOperation, id[:]) }

func shardOf(id events.ID) int { return int(id[len(id)-1]) % DueShards }

func binary(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

func number[N ~int | ~int64 | ~uint64](n N) types.AttributeValue {
	if n < 0 {
		return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(n), 10)}
	}
	return &types.AttributeValueMemberN{Value: strconv.FormatUint(uint64(n), 10)}
}

var yes = &types.AttributeValueMemberBOOL{Value: true}

// binaryOf reads a binary attribute; nil if there is none.
func binaryOf(it item, name string) ([]byte, error) {
	switch v := it[name].(type) {
	case nil:
		return nil, nil
	case *types.AttributeValueMemberB:
		return v.Value, nil
	default:
		return nil, fmt.Errorf("%w: attribute %q is no binary", ErrCorrupt, name)
	}
}

// numberOf reads a number; 0 if there is none.
func numberOf(it item, name string) (uint64, error) {
	switch v := it[name].(type) {
	case nil:
		return 0, nil
	case *types.AttributeValueMemberN:
		n, err := strconv.ParseUint(v.Value, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%w: attribute %q is no whole number", ErrCorrupt, name)
		}
		return n, nil
	default:
		return 0, fmt.Errorf("%w: attribute %q is no number", ErrCorrupt, name)
	}
}

// same compares two values of the kinds that this package writes.
func same(a, b types.AttributeValue) bool {
	switch a := a.(type) {
	case *types.AttributeValueMemberB:
		b, ok := b.(*types.AttributeValueMemberB)
		return ok && bytes.Equal(a.Value, b.Value)
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberS:
		b, ok := b.(*types.AttributeValueMemberS)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberBOOL:
		b, ok := b.(*types.AttributeValueMemberBOOL)
		return ok && a.Value == b.Value
	}
	return false
}

// partHash names a part by its content.
func partHash(content []byte) []byte {
	sum := sha256.Sum256(content)
	return sum[:16]
}

// idOf reads the operation of a key.
func idOf(it item, kind byte) (events.ID, error) {
	pk, err := binaryOf(it, attrPK)
	if err != nil {
		return events.ID{}, err
	}
	if len(pk) != 1+len(events.ID{}) || pk[0] != kind {
		return events.ID{}, fmt.Errorf("%w: a key of %d bytes is not of kind %q", ErrCorrupt, len(pk), kind)
	}
	return events.ID(pk[1:]), nil
}

// stored is a record's item, read but for parts that stand apart.
type stored struct {
	id                      events.ID
	version                 uint64
	holds                   bool
	record, request, frozen []byte
	requestPart, frozenPart []byte // hashes
}

func parse(it item) (s stored, err error) {
	if s.id, err = idOf(it, kindOperation); err != nil {
		return s, err
	}
	if s.version, err = numberOf(it, attrVersion); err != nil {
		return s, err
	}
	_, s.holds = it[attrHolds]
	for name, into := range map[string]*[]byte{
		attrData: &s.record, attrRequest: &s.request, attrFrozen: &s.frozen,
		attrRequestP: &s.requestPart, attrFrozenP: &s.frozenPart,
	} {
		if *into, err = binaryOf(it, name); err != nil {
			return s, err
		}
	}
	if s.version == 0 || s.record == nil || s.request != nil && s.requestPart != nil || s.frozen != nil && s.frozenPart != nil {
		return s, fmt.Errorf("%w: the record of %s is incomplete", ErrCorrupt, s.id)
	}
	return s, nil
}

// decode puts the record together.
func (s stored) decode() (idempotency.Record, error) {
	r, err := encoding.Unpack(s.id[:], s.record, s.request, s.frozen)
	switch {
	case err != nil:
		return idempotency.Record{}, fmt.Errorf("%w: the record of %s: %w", ErrCorrupt, s.id, err)
	case r.Version != s.version || r.Holds != s.holds:
		return idempotency.Record{}, fmt.Errorf("%w: the record of %s contradicts its item", ErrCorrupt, s.id)
	}
	return r, nil
}
