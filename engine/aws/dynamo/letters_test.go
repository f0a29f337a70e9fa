package dynamo

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

func TestLetters(t *testing.T) {
	f := newFake()
	f.page = 2
	l := quick(f, "t")
	id := enginetest.ID("shop", "k1")
	change := func(class idempotency.AttentionClass, reason string, at idempotency.Instant) idempotency.Change {
		return idempotency.Change{Letter: &idempotency.Letter{
			Operation: id, Tenant: "shop", Class: class, Reason: reason, At: at, Resolved: class == "",
		}}
	}
	mustLetter := func(class idempotency.AttentionClass, reason string, at idempotency.Instant) {
		t.Helper()
		if err := l.Write(t.Context(), change(class, reason, at)); err != nil {
			t.Fatal(err)
		}
	}
	mustLetter("", "", 1) // nothing is open
	if len(f.items) != 0 {
		t.Error("resolving nothing wrote something")
	}
	mustLetter("verify", "one", 10)
	mustLetter("verify", "two", 11)
	mustLetter("poison", "three", 12)
	mustLetter("", "", 20)
	mustLetter("verify", "four", 30)
	want := []read.Letter{
		{Operation: id, Tenant: "shop", Class: "verify", Reason: "two", Opened: 10, Resolved: 20},
		{Operation: id, Tenant: "shop", Class: "poison", Reason: "three", Opened: 12, Resolved: 20},
		{Operation: id, Tenant: "shop", Class: "verify", Reason: "four", Opened: 30},
	}
	if got, err := l.Letters(t.Context(), id); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("letters %+v, %v", got, err)
	}

	// With a record they are one commit.
	c := enginetest.Accept(now, "shop", "k1", "order-1")
	c.Letter = change("drift", "five", 40).Letter
	mustWrite(t, l, c)
	if err := l.Write(t.Context(), c); !errors.Is(err, idempotency.ErrStale) {
		t.Errorf("again: %v", err)
	}
	held := enginetest.Accept(now, "shop", "k2", "order-1")
	held.Letter = &idempotency.Letter{Operation: held.Record.ID, Class: "verify", At: 50}
	if err := l.Write(t.Context(), held); !errors.Is(err, idempotency.ErrHeld) {
		t.Errorf("held: %v", err)
	}
	if got, err := l.Letters(t.Context(), held.Record.ID); err != nil || len(got) != 0 {
		t.Errorf("a refused Change left %+v, %v", got, err)
	}

	for i := range 20 {
		other := change("orphan", "", idempotency.Instant(100+i))
		other.Letter.Operation = enginetest.ID("other", fmt.Sprint(i))
		if err := l.Write(t.Context(), other); err != nil {
			t.Fatal(err)
		}
	}
	for from, want := range map[idempotency.Instant]int{0: 21, 41: 20, 110: 10, 120: 0} {
		seen := map[events.ID]int{}
		err := l.EachOfLetters(t.Context(), from, func(id events.ID, letters []read.Letter) error {
			seen[id] += len(letters)
			return nil
		})
		if err != nil || len(seen) != want || from == 0 && seen[id] != 4 {
			t.Errorf("from %d: %v, %v", from, seen, err)
		}
	}
	enough := errors.New("enough")
	if err := l.EachOfLetters(t.Context(), 0, func(events.ID, []read.Letter) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("ended by its caller: %v", err)
	}
}

func TestLettersAreBounded(t *testing.T) {
	var letters []letter
	for i := range 3 * MaxLettersKept {
		at := idempotency.Instant(i + 1)
		letters, _ = applyLetter(letters, idempotency.Letter{Class: "verify", At: at})
		letters, _ = applyLetter(letters, idempotency.Letter{Resolved: true, At: at})
	}
	if len(letters) != MaxLettersKept || letters[0].Opened != 2*MaxLettersKept+1 {
		t.Errorf("%d letters, the oldest of %d", len(letters), letters[0].Opened)
	}
}
