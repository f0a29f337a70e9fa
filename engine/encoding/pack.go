package encoding

import (
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/fxamacker/cbor/v2"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// packed is a record in one map: the keys of idempotency.Record, and negative ones that say what is left out because it
// follows from the rest. Nothing is left out that does not follow, so a packed record reads back as it was.
type packed struct {
	Base
	Hot

	// Chained: each note but the first and the last holds the hash of the one before, and is stored without it. The
	// last one's is stored and rests on all of them, so that a change to any note still shows.
	Chained bool `cbor:"-1,keyasint,omitempty"`
	// Keyed: every attempt's key is the usual one of its number.
	Keyed bool `cbor:"-2,keyasint,omitempty"`
	// Traceparent is Trace as the 26 bytes that its 55 characters stand for.
	Traceparent []byte `cbor:"-3,keyasint,omitempty"`
}

// sorted encodes maps in one order, so that the same value always gives the same bytes.
var sorted = func() cbor.EncMode {
	m, err := cbor.EncOptions{Time: cbor.TimeRFC3339Nano, Sort: cbor.SortBytewiseLexical}.EncMode()
	if err != nil {
		panic(err) // fixed options: cannot fail
	}
	return m
}()

// Pack encodes all of a record but its id, request and frozen form.
func Pack(r *idempotency.Record) ([]byte, error) {
	p := packed{Base: BaseOf(r), Hot: HotOf(r)}
	if chained(p.History) {
		p.Chained = true
		for i := 1; i < len(p.History)-1; i++ {
			p.History[i].Before = [32]byte{}
		}
	}
	if keyed(r) {
		p.Keyed = true
		p.Attempts = append([]idempotency.Attempt(nil), p.Attempts...)
		for i := range p.Attempts {
			p.Attempts[i].Key = ""
		}
	}
	if p.Traceparent = traceBytes(p.Trace); p.Traceparent != nil {
		p.Trace = ""
	}
	return sortedBytes(p)
}

// PackRequest encodes the request of a record without what the record has of it. Nil without a request.
func PackRequest(r *idempotency.Record) ([]byte, error) {
	if r.Request == nil {
		return nil, nil
	}
	q := *r.Request
	if q.Amount == r.Amount && q.Reference == r.Reference && q.AllowRepeat == r.AllowRepeat {
		q.Amount, q.Reference, q.AllowRepeat = events.Money{}, "", false
	}
	return sortedBytes(q)
}

// PackFrozen encodes the frozen form of a record. Nil without one.
func PackFrozen(r *idempotency.Record) ([]byte, error) {
	if r.Frozen == nil {
		return nil, nil
	}
	return sortedBytes(r.Frozen)
}

// Unpack puts a record together from what Pack, PackRequest and PackFrozen gave. ErrMalformed.
func Unpack(id, record, request, frozen []byte) (idempotency.Record, error) {
	var p packed
	if err := Unmarshal(record, &p); err != nil {
		return idempotency.Record{}, err
	}
	if p.Chained {
		for i := 1; i < len(p.History)-1; i++ {
			p.History[i].Before = idempotency.Note(p.History[i-1]).Hash()
		}
	}
	if p.Traceparent != nil {
		if p.Trace != "" || len(p.Traceparent) != traceLen {
			return idempotency.Record{}, fmt.Errorf("%w: a trace of %d bytes", ErrMalformed, len(p.Traceparent))
		}
		p.Trace = traceText(p.Traceparent)
	}
	r, err := assemble(id, &p.Hot, &p.Base, request, frozen)
	if err != nil {
		return r, err
	}
	if p.Keyed {
		for i := range r.Attempts {
			r.Attempts[i].Key = usualKey(r.ID, r.Attempts[i].Number)
		}
	}
	if q := r.Request; q != nil && q.Amount == (events.Money{}) {
		q.Amount, q.Reference, q.AllowRepeat = r.Amount, r.Reference, r.AllowRepeat
	}
	return r, nil
}

func sortedBytes(v any) ([]byte, error) {
	b, err := sorted.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return b, nil
}

// chained reports whether leaving hashes out gains something and loses nothing.
func chained(notes []Note) bool {
	for i := 1; i < len(notes)-1; i++ {
		if notes[i].Before != idempotency.Note(notes[i-1]).Hash() {
			return false
		}
	}
	return len(notes) > 2
}

func keyed(r *idempotency.Record) bool {
	for i := range r.Attempts {
		if r.Attempts[i].Key != usualKey(r.ID, r.Attempts[i].Number) {
			return false
		}
	}
	return len(r.Attempts) > 0
}

// usualKey is the key that package idempotency gives an attempt. Were it to choose another, that would be stored.
func usualKey(id events.ID, number int) string {
	return "payonce-" + hex.EncodeToString(id[:]) + "-" + strconv.Itoa(number)
}

// traceLen is the size of a version, a trace id, a parent id and flags.
// Source: https://www.w3.org/TR/trace-context/#traceparent-header
const traceLen = 1 + 16 + 8 + 1

// traceBytes gives the bytes of a traceparent, nil for any other text.
func traceBytes(s string) []byte {
	if len(s) != 2*traceLen+3 || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return nil
	}
	b, err := hex.DecodeString(s[:2] + s[3:35] + s[36:52] + s[53:])
	if err != nil || traceText(b) != s { // capitals would not come back
		return nil
	}
	return b
}

func traceText(b []byte) string {
	s := hex.EncodeToString(b)
	return s[:2] + "-" + s[2:34] + "-" + s[34:50] + "-" + s[50:]
}
