// Package encoding is how the durable engines write records and outcomes down: CBOR with the integer keys of
// idempotency.Record, which are the stored format and are never reused.
//
// A record has four parts: what does not change of it ([Base]), what does ([Hot]), and the request and the frozen form,
// which are written once. An engine stores them together or apart. [Pack] is a shorter form of the first two for a
// store that bills by the byte.
package encoding

import (
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// ErrMalformed means that the bytes are not what this package writes.
var ErrMalformed = errors.New("not the encoding of a record")

// encoder writes instants as integers; the one time.Time, in an outcome, keeps its milliseconds as text.
var encoder = func() cbor.EncMode {
	m, err := cbor.EncOptions{Time: cbor.TimeRFC3339Nano}.EncMode()
	if err != nil {
		panic(err) // fixed options: cannot fail
	}
	return m
}()

// decoder refuses what the encoder never writes. Members that a newer release added are not an error: a newer
// schema version is what keeps an older release away.
var decoder = func() cbor.DecMode {
	m, err := cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden}.DecMode()
	if err != nil {
		panic(err) // fixed options: cannot fail
	}
	return m
}()

// Marshal encodes a part or an outcome.
func Marshal(v any) ([]byte, error) {
	b, err := encoder.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return b, nil
}

// Unmarshal decodes what Marshal has encoded. ErrMalformed.
func Unmarshal(b []byte, v any) error {
	if err := decoder.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: decoding: %w", ErrMalformed, err)
	}
	return nil
}

// Base is what does not change of a record; an engine keeps the id itself. The keys are those of idempotency.Record.
type Base struct {
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

// BaseOf is the part of a record that does not change.
func BaseOf(r *idempotency.Record) Base {
	return Base{
		Tenant: r.Tenant, KeyHash: r.KeyHash, Kind: r.Kind, Fingerprint: r.Fingerprint, Amount: r.Amount,
		Reference: r.Reference, AllowRepeat: r.AllowRepeat, Created: r.Created, Trace: r.Trace,
	}
}

// Hot is what changes of a record. The keys are those of idempotency.Record.
type Hot struct {
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
	History    []Note                 `cbor:"32,keyasint"`
	Notes      uint64                 `cbor:"33,keyasint"`
	Creates    int                    `cbor:"34,keyasint,omitempty"`
}

// Note is idempotency.Note with a hash that is left out where it is zero, as in every first note.
type Note struct {
	At      idempotency.Instant `cbor:"1,keyasint"`
	From    idempotency.State   `cbor:"2,keyasint,omitempty"`
	To      idempotency.State   `cbor:"3,keyasint,omitempty"`
	Why     string              `cbor:"4,keyasint"`
	Attempt int                 `cbor:"5,keyasint,omitempty"`
	Fence   uint64              `cbor:"6,keyasint,omitempty"`
	Before  [32]byte            `cbor:"7,keyasint,omitzero"`
}

// HotOf is the part of a record that changes. It shares the memory of the record.
func HotOf(r *idempotency.Record) Hot {
	h := Hot{
		State: r.State, Version: r.Version, Fence: r.Fence, Lease: r.Lease, Holds: r.Holds, Attempts: r.Attempts,
		Intent: r.Intent, Charge: r.Charge, Captured: r.Captured, Refunded: r.Refunded, Card: r.Card,
		Failure: r.Failure, NextAction: r.NextAction, Evidence: r.Evidence, Attention: r.Attention,
		Closing: r.Closing, Tries: r.Tries, NotBefore: r.NotBefore, Due: r.Due, Published: r.Published,
		Updated: r.Updated, History: make([]Note, len(r.History)), Notes: r.Notes, Creates: r.Creates,
	}
	for i, n := range r.History {
		h.History[i] = Note(n)
	}
	return h
}

// Record puts a record together from its encoded parts. Empty request and frozen parts are absent. ErrMalformed.
func Record(id, hot, base, request, frozen []byte) (idempotency.Record, error) {
	var h Hot
	var b Base
	if err := errors.Join(Unmarshal(hot, &h), Unmarshal(base, &b)); err != nil {
		return idempotency.Record{}, err
	}
	return assemble(id, &h, &b, request, frozen)
}

func assemble(id []byte, h *Hot, b *Base, request, frozen []byte) (idempotency.Record, error) {
	if len(id) != len(events.ID{}) {
		return idempotency.Record{}, fmt.Errorf("%w: an id of %d bytes", ErrMalformed, len(id))
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
		if err := Unmarshal(request, r.Request); err != nil {
			return r, err
		}
	}
	if len(frozen) > 0 {
		r.Frozen = new(idempotency.Frozen)
		if err := Unmarshal(frozen, r.Frozen); err != nil {
			return r, err
		}
	}
	return r, nil
}

// Outcome decodes an outcome. ErrMalformed.
func Outcome(b []byte) (events.Outcome, error) {
	var o events.Outcome
	err := Unmarshal(b, &o)
	o.At = o.At.UTC()
	return o, err
}
