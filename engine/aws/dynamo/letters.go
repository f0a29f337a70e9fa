package dynamo

import (
	"context"
	"fmt"
	"slices"

	"github.com/payonce/payonce/engine/encoding"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

// MaxLettersKept is how many letters of one operation are kept; beyond that the oldest resolved ones go.
const MaxLettersKept = 64

// letter is one letter as it is stored, the oldest first in a list. The keys are the stored format.
type letter struct {
	Class    idempotency.AttentionClass `cbor:"1,keyasint"`
	Reason   string                     `cbor:"2,keyasint"`
	Tenant   string                     `cbor:"3,keyasint,omitempty"`
	Opened   idempotency.Instant        `cbor:"4,keyasint"`
	Resolved idempotency.Instant        `cbor:"5,keyasint,omitempty"`
}

// letterWrite reads the letters of the operation and gives the write that changes them; nil if nothing changes.
func (l *Ledger) letterWrite(ctx context.Context, c idempotency.Letter) (*write, error) {
	pk := key(kindLetters, c.Operation[:])
	it, err := l.get(ctx, "reading letters", pk)
	if err != nil {
		return nil, err
	}
	return changeLetters(pk, it, c)
}

func changeLetters(pk []byte, it item, c idempotency.Letter) (*write, error) {
	letters, version, err := parseLetters(it)
	if err != nil {
		return nil, err
	}
	letters, changed := applyLetter(letters, c)
	if !changed {
		return nil, nil
	}
	b, err := encoding.Marshal(letters)
	if err != nil {
		return nil, err
	}
	w := &write{pk: pk, whole: true, cond: ifAbsent, set: item{
		attrVersion: number(version + 1), attrData: binary(b),
		attrShard: number(letterShard + shardOf(c.Operation)), attrDue: number(lastChange(letters)),
	}}
	if version > 0 {
		w.cond, w.expect = ifVersion, number(version)
	}
	return w, nil
}

// applyLetter opens a letter, restates the open one of its class, or resolves what is open.
func applyLetter(letters []letter, c idempotency.Letter) (_ []letter, changed bool) {
	for i := range letters {
		open := &letters[i]
		switch {
		case open.Resolved != 0:
		case c.Resolved:
			open.Resolved = c.At
			changed = true
		case open.Class == c.Class:
			changed = open.Reason != c.Reason
			open.Reason = c.Reason
			return letters, changed
		}
	}
	if c.Resolved {
		return letters, changed
	}
	letters = append(letters, letter{Class: c.Class, Reason: c.Reason, Tenant: c.Tenant, Opened: c.At})
	if len(letters) > MaxLettersKept {
		if i := slices.IndexFunc(letters, func(l letter) bool { return l.Resolved != 0 }); i >= 0 {
			letters = slices.Delete(letters, i, i+1)
		}
	}
	return letters, true
}

func lastChange(letters []letter) idempotency.Instant {
	var last idempotency.Instant
	for _, l := range letters {
		last = max(last, l.Opened, l.Resolved)
	}
	return last
}

func parseLetters(it item) (letters []letter, version uint64, err error) {
	if it == nil {
		return nil, 0, nil
	}
	if version, err = numberOf(it, attrVersion); err != nil {
		return nil, 0, err
	}
	b, err := binaryOf(it, attrData)
	if err != nil {
		return nil, 0, err
	}
	if err := encoding.Unmarshal(b, &letters); err != nil || version == 0 {
		return nil, 0, fmt.Errorf("%w: the letters of an operation cannot be read: %w", ErrCorrupt, err)
	}
	return letters, version, nil
}

// Letters gives all letters of one operation, the oldest first. The read is strongly consistent. ErrCorrupt.
func (l *Ledger) Letters(ctx context.Context, operation events.ID) ([]read.Letter, error) {
	it, err := l.get(ctx, "reading letters", key(kindLetters, operation[:]))
	if err != nil {
		return nil, err
	}
	return readLetters(operation, it)
}

func readLetters(operation events.ID, it item) ([]read.Letter, error) {
	letters, _, err := parseLetters(it)
	if err != nil {
		return nil, err
	}
	var out []read.Letter
	for _, s := range letters {
		out = append(out, read.Letter{
			Operation: operation, Tenant: s.Tenant, Class: s.Class, Reason: s.Reason, Opened: s.Opened, Resolved: s.Resolved,
		})
	}
	return out, nil
}

// EachOfLetters calls yield with all letters of each operation that has one opened or resolved at or after a moment, by
// the clock of whoever did so; from 0, of all. The order is that of no clock. It reads the index, which lags behind the
// table by a moment: who follows it asks from some minutes before the last time on. It ends with yield's error.
func (l *Ledger) EachOfLetters(ctx context.Context, from idempotency.Instant, yield func(events.ID, []read.Letter) error) error {
	for shard := range DueShards {
		q := indexQuery{shard: letterShard + shard, from: from, to: maxInstant}
		err := l.eachPage(ctx, q, func(page []entry) error {
			var keys [][]byte
			for _, e := range page {
				keys = append(keys, e.pk)
			}
			items, err := l.getAll(ctx, "reading letters", keys)
			if err != nil {
				return err
			}
			for _, it := range items {
				id, err := idOf(it, kindLetters)
				if err != nil {
					return err
				}
				letters, err := readLetters(id, it)
				if err != nil {
					return err
				}
				if err := yield(id, letters); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
