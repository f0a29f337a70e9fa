package embedded

import (
	"encoding/hex"
	"fmt"

	"github.com/payonce/payonce/engine/encoding"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// decodeRecord puts a record together from its columns. ErrCorrupt.
func decodeRecord(id, hot, base, request, frozen []byte) (idempotency.Record, error) {
	r, err := encoding.Record(id, hot, base, request, frozen)
	return r, corrupt(err)
}

// decodeOutcome reads an outcome of the feed. ErrCorrupt.
func decodeOutcome(b []byte) (events.Outcome, error) {
	o, err := encoding.Outcome(b)
	return o, corrupt(err)
}

// corrupt says of what cannot be decoded what an operator does about it.
func corrupt(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// refToken is the value of column ref: 16 bytes, nil without a reference.
func refToken(tenant, reference string) []byte {
	if reference == "" {
		return nil
	}
	b, err := hex.DecodeString(events.ReferenceToken(tenant, reference))
	if err != nil {
		panic(err) // ReferenceToken gives hexadecimal digits
	}
	return b
}
