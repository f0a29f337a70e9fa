package idempotency

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// Note is one transition in a record's history. Notes are chained: each holds the hash of the one before,
// so an edited, removed or reordered note shows (rule 16).
type Note struct {
	At      Instant  `cbor:"1,keyasint"`
	From    State    `cbor:"2,keyasint"`
	To      State    `cbor:"3,keyasint"`
	Why     string   `cbor:"4,keyasint"` // a constant of this package, never free text
	Attempt int      `cbor:"5,keyasint,omitempty"`
	Fence   uint64   `cbor:"6,keyasint,omitempty"`
	Before  [32]byte `cbor:"7,keyasint"` // Hash of the note before; zero for the first
}

// noteMode encodes notes the same way for ever: RFC 8949, core deterministic encoding.
var noteMode = func() cbor.EncMode {
	m, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err) // fixed options: cannot fail
	}
	return m
}()

// Hash is the link that the next note holds.
func (n Note) Hash() [32]byte {
	b, err := noteMode.Marshal(n)
	if err != nil {
		panic(err) // a plain struct of plain values: cannot fail
	}
	return sha256.Sum256(b)
}

// ErrHistory is returned by VerifyHistory for a chain that does not hold.
var ErrHistory = errors.New("the history of the record does not verify")

// VerifyHistory checks the chain of a record's notes: each holds the hash of the one before, each starts
// in the state where the one before ended, and the last one ends in the record's state.
func (r *Record) VerifyHistory() error {
	if len(r.History) == 0 {
		return fmt.Errorf("%w: it is empty", ErrHistory)
	}
	if want := min(r.Notes, MaxNotesKept); uint64(len(r.History)) != want {
		return fmt.Errorf("%w: %d notes kept of %d", ErrHistory, len(r.History), r.Notes)
	}
	for i, n := range r.History {
		switch {
		case i == 0 && r.Notes <= MaxNotesKept && (n.Before != [32]byte{} || n.From != Absent):
			return fmt.Errorf("%w: the first note does not start the chain", ErrHistory)
		case i > 0 && n.Before != r.History[i-1].Hash():
			return fmt.Errorf("%w: note %d does not follow from the one before", ErrHistory, i)
		case i > 0 && n.From != r.History[i-1].To:
			return fmt.Errorf("%w: note %d starts elsewhere than the one before ended", ErrHistory, i)
		}
	}
	if last := r.History[len(r.History)-1]; last.To != r.State {
		return fmt.Errorf("%w: it ends in %s, the record is %s", ErrHistory, last.To, r.State)
	}
	return nil
}

// note appends a transition to the record's history and moves the record there.
func (r *Record) note(now Instant, to State, why string) {
	n := Note{At: now, From: r.State, To: to, Why: why, Fence: r.Fence}
	if a := r.Latest(); a != nil {
		n.Attempt = a.Number
	}
	if k := len(r.History); k > 0 {
		n.Before = r.History[k-1].Hash()
	}
	r.History = append(r.History, n)
	if len(r.History) > MaxNotesKept {
		r.History = r.History[len(r.History)-MaxNotesKept:]
	}
	r.Notes++
	r.State, r.Updated = to, now
}
