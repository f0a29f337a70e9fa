package encoding

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// roundTrip packs a record and wants it back as it was.
func roundTrip(t *testing.T, r idempotency.Record) (packed []byte) {
	t.Helper()
	packed, err1 := Pack(&r)
	request, err2 := PackRequest(&r)
	frozen, err3 := PackFrozen(&r)
	got, err := Unpack(r.ID[:], packed, request, frozen)
	if err := errors.Join(err1, err2, err3, err); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, r) {
		t.Errorf("packed\n%+v\nread\n%+v", r, got)
	}
	return packed
}

// chain gives a record n notes that follow from one another, and attempts with the usual keys.
func chain(n int) idempotency.Record {
	r := idempotency.Record{ID: events.ID{1, 2, 3}, Tenant: "shop", Notes: uint64(n), History: []idempotency.Note{}}
	for i := range n {
		note := idempotency.Note{At: idempotency.Instant(i), To: idempotency.Accepted, Why: "test"}
		if i > 0 {
			note.Before = r.History[i-1].Hash()
		}
		r.History = append(r.History, note)
		r.Attempts = append(r.Attempts, idempotency.Attempt{Number: i + 1, Key: usualKey(r.ID, i+1)})
	}
	return r
}

// TestPackEveryField: none is lost, with values that nothing follows from.
func TestPackEveryField(t *testing.T) {
	var r idempotency.Record
	n := 0
	fill(reflect.ValueOf(&r).Elem(), &n)
	roundTrip(t, r)
}

func TestPackLeavesOutWhatFollows(t *testing.T) {
	for n := range 6 {
		packed := roundTrip(t, chain(n))
		if strings.Contains(string(packed), "payonce-") {
			t.Errorf("%d notes: a key is stored that follows from its number", n)
		}
	}
	three, four := len(roundTrip(t, chain(3))), len(roundTrip(t, chain(4)))
	if four-three > 40 {
		t.Errorf("one more note and attempt take %d bytes", four-three)
	}
}

// TestPackKeepsTheUnusual: what does not follow is stored, wherever it is.
func TestPackKeepsTheUnusual(t *testing.T) {
	for name, edit := range map[string]func(r *idempotency.Record){
		"broken chain":  func(r *idempotency.Record) { r.History[1].Before[0]++ },
		"no hash":       func(r *idempotency.Record) { r.History[2].Before = [32]byte{} },
		"cut chain":     func(r *idempotency.Record) { r.History[0].Before[0]++ },
		"last note":     func(r *idempotency.Record) { r.History[3].Before[0]++ },
		"edited note":   func(r *idempotency.Record) { r.History[0].Why = "edited" },
		"other key":     func(r *idempotency.Record) { r.Attempts[2].Key = "payonce-other" },
		"no key":        func(r *idempotency.Record) { r.Attempts[0].Key = "" },
		"trace":         func(r *idempotency.Record) { r.Trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" },
		"capital trace": func(r *idempotency.Record) { r.Trace = "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01" },
		"no trace":      func(r *idempotency.Record) { r.Trace = "00-4bf92f3577b34da6a3ce929d0e0e473600f067aa0ba902b7--01" },
		"request":       func(r *idempotency.Record) { r.Request = &events.Payment{PaymentMethod: "pm_1"} },
		"other amount": func(r *idempotency.Record) {
			r.Request = &events.Payment{Amount: events.Money{Minor: 1, Currency: "EUR"}}
		},
		"other reference": func(r *idempotency.Record) {
			r.Request = &events.Payment{Amount: events.Money{Minor: 1}, Reference: "x"}
		},
		"same purchase": func(r *idempotency.Record) {
			r.Amount, r.Reference, r.AllowRepeat = events.Money{Minor: 7, Currency: "EUR"}, "order-1", true
			r.Request = &events.Payment{Amount: r.Amount, Reference: r.Reference, AllowRepeat: true}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := chain(4)
			edit(&r)
			roundTrip(t, r)
		})
	}
}

// TestPackedHistoryVerifies: a note that was altered in the store shows, although its own hash is not stored.
func TestPackedHistoryVerifies(t *testing.T) {
	r := chain(5)
	packed, err := Pack(&r)
	if err != nil {
		t.Fatal(err)
	}
	var p map[int]any
	if err := Unmarshal(packed, &p); err != nil {
		t.Fatal(err)
	}
	note := p[32].([]any)[1].(map[any]any) //nolint:forcetypeassert // of our own making
	note[uint64(4)] = "altered"
	if packed, err = Marshal(p); err != nil {
		t.Fatal(err)
	}
	got, err := Unpack(r.ID[:], packed, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	got.State = idempotency.Accepted
	if err := got.VerifyHistory(); !errors.Is(err, idempotency.ErrHistory) {
		t.Errorf("an altered history verifies: %v", err)
	}
}

func TestUnpackRefuses(t *testing.T) {
	r := chain(1)
	packed, err := Pack(&r)
	if err != nil {
		t.Fatal(err)
	}
	for name, parts := range map[string][4][]byte{
		"id":      {{1}, packed, nil, nil},
		"record":  {r.ID[:], []byte("x"), nil, nil},
		"nothing": {r.ID[:], nil, nil, nil},
		"request": {r.ID[:], packed, {1}, nil},
		"frozen":  {r.ID[:], packed, nil, {1}},
		"trace":   {r.ID[:], []byte{0xa1, 0x22, 0x41, 0}, nil, nil},
	} {
		if _, err := Unpack(parts[0], parts[1], parts[2], parts[3]); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	r := chain(3)
	packed, err := Pack(&r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed, []byte{0xa0}, []byte{0xa0})
	f.Fuzz(func(t *testing.T, packed, request, frozen []byte) {
		r, err := Unpack(make([]byte, 16), packed, request, frozen)
		if err != nil {
			return
		}
		again, err := Pack(&r)
		if err != nil {
			t.Fatalf("what was read cannot be packed: %v", err)
		}
		q, err := PackRequest(&r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Unpack(r.ID[:], again, q, frozen)
		if err != nil {
			t.Fatalf("what was packed cannot be read: %v", err)
		}
		if got.Version != r.Version || len(got.History) != len(r.History) || len(got.Attempts) != len(r.Attempts) {
			t.Errorf("read %+v, then %+v", r, got)
		}
	})
}
