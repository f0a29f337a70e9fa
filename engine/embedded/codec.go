package embedded

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// encoding is the stored form of what has no column of its own. Instants are integers; the one time.Time, in an
// outcome, keeps its milliseconds as text.
var encoding = func() cbor.EncMode {
	m, err := cbor.EncOptions{Time: cbor.TimeRFC3339Nano}.EncMode()
	if err != nil {
		panic(err) // fixed options: cannot fail
	}
	return m
}()

// decoding refuses what the encoder never writes. Members that a newer release added are not an error: a newer
// schema version is what keeps an older release away.
var decoding = func() cbor.DecMode {
	m, err := cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden}.DecMode()
	if err != nil {
		panic(err) // fixed options: cannot fail
	}
	return m
}()

func encode(v any) ([]byte, error) {
	b, err := encoding.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return b, nil
}

func decode(b []byte, v any) error {
	if err := decoding.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: decoding: %w", ErrCorrupt, err)
	}
	return nil
}

// basePart is what does not change of a record; the id is a column. The keys are those of idempotency.Record.
type basePart struct {
	Tenant      string              `cbor:"2,keyasint"`
	KeyHash     [32]byte            `cbor:"3,keyasint"`
	Kind        events.Kind         `cbor:"4,keyasint"`
	Fingerprint [32]byte            `cbor:"5,keyasint"`
	Amount      events.Money        `cbor:"10,keyasint"`
	Reference   string              `cbor:"11,keyasint,omitempty"`
	AllowRepeat bool                `cbor:"12,keyasint,omitempty"`
	Created     idempotency.Instant `cbor:"29,keyasint"`
	Trace       string              `cbor:"31,keyasint,omitempty"`
}

func baseOf(r *idempotency.Record) basePart {
	return basePart{
		Tenant: r.Tenant, KeyHash: r.KeyHash, Kind: r.Kind, Fingerprint: r.Fingerprint, Amount: r.Amount,
		Reference: r.Reference, AllowRepeat: r.AllowRepeat, Created: r.Created, Trace: r.Trace,
	}
}

// hotPart is what changes of a record. The keys are those of idempotency.Record.
type hotPart struct {
	State      idempotency.State      `cbor:"6,keyasint"`
	Version    uint64                 `cbor:"7,keyasint"`
	Fence      uint64                 `cbor:"8,keyasint,omitempty"`
	Lease      idempotency.Lease      `cbor:"9,keyasint,omitzero"`
	Holds      bool                   `cbor:"13,keyasint,omitempty"`
	Attempts   []idempotency.Attempt  `cbor:"14,keyasint,omitempty"`
	Intent     string                 `cbor:"15,keyasint,omitempty"`
	Charge     string                 `cbor:"16,keyasint,omitempty"`
	Captured   int64                  `cbor:"17,keyasint,omitempty"`
	Refunded   int64                  `cbor:"18,keyasint,omitempty"`
	Card       *events.Card           `cbor:"19,keyasint,omitempty"`
	Failure    *events.Failure        `cbor:"20,keyasint,omitempty"`
	NextAction string                 `cbor:"21,keyasint,omitempty"`
	Evidence   *idempotency.Evidence  `cbor:"22,keyasint,omitempty"`
	Attention  *idempotency.Attention `cbor:"23,keyasint,omitempty"`
	Closing    idempotency.State      `cbor:"24,keyasint,omitempty"`
	Tries      int                    `cbor:"25,keyasint,omitempty"`
	NotBefore  idempotency.Instant    `cbor:"26,keyasint,omitempty"`
	Due        idempotency.Instant    `cbor:"27,keyasint,omitempty"`
	Published  bool                   `cbor:"28,keyasint,omitempty"`
	Updated    idempotency.Instant    `cbor:"30,keyasint"`
	History    []note                 `cbor:"32,keyasint"`
	Notes      uint64                 `cbor:"33,keyasint"`
	Creates    int                    `cbor:"34,keyasint,omitempty"`
}

// note is idempotency.Note with a hash that is left out where it is zero, as in every first note.
type note struct {
	At      idempotency.Instant `cbor:"1,keyasint"`
	From    idempotency.State   `cbor:"2,keyasint,omitempty"`
	To      idempotency.State   `cbor:"3,keyasint,omitempty"`
	Why     string              `cbor:"4,keyasint"`
	Attempt int                 `cbor:"5,keyasint,omitempty"`
	Fence   uint64              `cbor:"6,keyasint,omitempty"`
	Before  [32]byte            `cbor:"7,keyasint,omitzero"`
}

func hotOf(r *idempotency.Record) hotPart {
	h := hotPart{
		State: r.State, Version: r.Version, Fence: r.Fence, Lease: r.Lease, Holds: r.Holds, Attempts: r.Attempts,
		Intent: r.Intent, Charge: r.Charge, Captured: r.Captured, Refunded: r.Refunded, Card: r.Card,
		Failure: r.Failure, NextAction: r.NextAction, Evidence: r.Evidence, Attention: r.Attention,
		Closing: r.Closing, Tries: r.Tries, NotBefore: r.NotBefore, Due: r.Due, Published: r.Published,
		Updated: r.Updated, History: make([]note, len(r.History)), Notes: r.Notes, Creates: r.Creates,
	}
	for i, n := range r.History {
		h.History[i] = note(n)
	}
	return h
}

// decodeRecord puts a record together from its parts. Empty parts are absent.
func decodeRecord(id, hot, base, request, frozen []byte) (idempotency.Record, error) {
	var h hotPart
	var b basePart
	if len(id) != len(events.ID{}) {
		return idempotency.Record{}, fmt.Errorf("%w: an id of %d bytes", ErrCorrupt, len(id))
	}
	if err := errors.Join(decode(hot, &h), decode(base, &b)); err != nil {
		return idempotency.Record{}, err
	}
	r := idempotency.Record{
		ID: events.ID(id), Tenant: b.Tenant, KeyHash: b.KeyHash, Kind: b.Kind, Fingerprint: b.Fingerprint,
		State: h.State, Version: h.Version, Fence: h.Fence, Lease: h.Lease, Amount: b.Amount, Reference: b.Reference,
		AllowRepeat: b.AllowRepeat, Holds: h.Holds, Attempts: h.Attempts, Intent: h.Intent, Charge: h.Charge,
		Captured: h.Captured, Refunded: h.Refunded, Card: h.Card, Failure: h.Failure, NextAction: h.NextAction,
		Evidence: h.Evidence, Attention: h.Attention, Closing: h.Closing, Tries: h.Tries, NotBefore: h.NotBefore,
		Due: h.Due, Published: h.Published, Created: b.Created, Updated: h.Updated, Trace: b.Trace,
		History: make([]idempotency.Note, len(h.History)), Notes: h.Notes, Creates: h.Creates,
	}
	for i, n := range h.History {
		r.History[i] = idempotency.Note(n)
	}
	if len(request) > 0 {
		r.Request = new(events.Payment)
		if err := decode(request, r.Request); err != nil {
			return r, err
		}
	}
	if len(frozen) > 0 {
		r.Frozen = new(idempotency.Frozen)
		if err := decode(frozen, r.Frozen); err != nil {
			return r, err
		}
	}
	return r, nil
}

func decodeOutcome(b []byte) (events.Outcome, error) {
	var o events.Outcome
	err := decode(b, &o)
	o.At = o.At.UTC()
	return o, err
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
