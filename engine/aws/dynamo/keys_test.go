package dynamo

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/payonce/payonce/access"
)

// TestKeysAtOnce: keys that are made at once all get a place in the list.
func TestKeysAtOnce(t *testing.T) {
	f := newFake()
	l := quick(f, "t")
	const n = 9
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			errs[i] = l.PutKey(t.Context(), access.Key{ID: fmt.Sprint("key_", i), Hash: [32]byte{byte(i)}})
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	keys, err := l.ListKeys(t.Context())
	if err != nil || len(keys) != n {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	revoked := access.Key{ID: "key_r", Hash: [32]byte{99}, Revoked: now}
	if err := l.PutKey(t.Context(), revoked); err != nil {
		t.Fatal(err)
	}
	if got, err := l.LookupKey(t.Context(), revoked.Hash); err != nil || !got.Revoked.Equal(now) {
		t.Errorf("a key that was revoked before: %+v, %v", got, err)
	}
	f.items[string(key(kindKey, revoked.Hash[:]))][attrData] = binary([]byte("garbage"))
	if _, err := l.ListKeys(t.Context()); !errors.Is(err, ErrCorrupt) {
		t.Errorf("garbage among the keys: %v", err)
	}
}
