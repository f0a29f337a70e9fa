package encoding

import (
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// fill sets every exported field of v to something that is not zero.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		if t, ok := v.Addr().Interface().(*time.Time); ok {
			*t = time.UnixMilli(int64(1_700_000_000_000 + *n)).UTC()
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), n)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"a": "b"}))
	case reflect.String:
		v.SetString("text" + string(rune('a'+*n%26)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint8:
		v.SetUint(uint64(*n%200 + 1))
	case reflect.Uint64:
		v.SetUint(uint64(*n))
	default:
		panic("no rule for " + v.Kind().String())
	}
}

// TestEveryFieldIsStored: a field that the codec does not know would be lost without a word.
func TestEveryFieldIsStored(t *testing.T) {
	var r idempotency.Record
	n := 0
	fill(reflect.ValueOf(&r).Elem(), &n)
	parts := make([][]byte, 0, 4)
	for _, v := range []any{HotOf(&r), BaseOf(&r), r.Request, r.Frozen} {
		b, err := Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, b)
	}
	got, err := Record(r.ID[:], parts[0], parts[1], parts[2], parts[3])
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, r) {
		t.Errorf("stored\n%+v\nread\n%+v", r, got)
	}
	var o events.Outcome
	fill(reflect.ValueOf(&o).Elem(), &n)
	b, err := Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Outcome(b); err != nil || !reflect.DeepEqual(got, o) {
		t.Errorf("stored\n%+v\nread\n%+v\n%v", o, got, err)
	}
}

// TestStoredBytes: the stored form never changes, or old data folders could not be read. The maps of the example have
// one member each, since a map has no order.
func TestStoredBytes(t *testing.T) {
	var r idempotency.Record
	var o events.Outcome
	n := 0
	fill(reflect.ValueOf(&r).Elem(), &n)
	fill(reflect.ValueOf(&o).Elem(), &n)
	var got strings.Builder
	for _, part := range []struct {
		name string
		v    any
	}{{"hot", HotOf(&r)}, {"base", BaseOf(&r)}, {"request", r.Request}, {"frozen", r.Frozen}, {"outcome", o}} {
		b, err := Marshal(part.v)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&got, part.name, hex.EncodeToString(b))
	}
	want, err := os.ReadFile("testdata/parts.golden")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("stored as\n%swas\n%s", got.String(), want)
	}
}

// TestStoredKeys: the codec's parts keep the integer keys of idempotency.Record, and each key once.
func TestStoredKeys(t *testing.T) {
	want := map[string]string{}
	record := reflect.TypeFor[idempotency.Record]()
	for i := range record.NumField() {
		want[record.Field(i).Name] = keyOf(record.Field(i))
	}
	for _, part := range []reflect.Type{reflect.TypeFor[Hot](), reflect.TypeFor[Base]()} {
		for i := range part.NumField() {
			f := part.Field(i)
			if want[f.Name] != keyOf(f) {
				t.Errorf("%s has key %s, the record says %s", f.Name, keyOf(f), want[f.Name])
			}
			delete(want, f.Name)
		}
	}
	delete(want, "ID") // a column
	delete(want, "Request")
	delete(want, "Frozen")
	if len(want) != 0 {
		t.Errorf("not stored, or stored twice: %v", want)
	}
}

func keyOf(f reflect.StructField) string {
	tag := f.Tag.Get("cbor")
	for i := range tag {
		if tag[i] == ',' {
			return tag[:i]
		}
	}
	return tag
}

func FuzzRecord(f *testing.F) {
	hot, err := Marshal(HotOf(&idempotency.Record{State: idempotency.Accepted, Version: 1, Notes: 1}))
	if err != nil {
		f.Fatal(err)
	}
	base, err := Marshal(BaseOf(&idempotency.Record{Tenant: "shop", Kind: events.KindCharge}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(hot, base, []byte{0xa0}, []byte{0xa0})
	id := make([]byte, 16)
	f.Fuzz(func(t *testing.T, hot, base, request, frozen []byte) {
		r, err := Record(id, hot, base, request, frozen)
		if err != nil {
			return
		}
		again, err := Marshal(HotOf(&r))
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		if _, err := Record(id, again, base, request, frozen); err != nil {
			t.Fatalf("what was encoded cannot be decoded: %v", err)
		}
	})
}
