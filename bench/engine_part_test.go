package main

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
)

// order gives a part its order and reads its answer.
func order[T any](t *testing.T, p part, o any) (answer T) {
	t.Helper()
	in, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := p(t.Context(), bytes.NewReader(in), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestEngineModes(t *testing.T) {
	for _, mode := range []string{engineStore, engineLog, engineNone} {
		t.Run(mode, func(t *testing.T) {
			a := order[engineAnswer](t, enginePart, engineOrder{Mode: mode, Dir: t.TempDir(), Prefix: "t", Payments: 40, Callers: 8})
			stored := a.Given > 1000 // bytes a payment; the runtime may write a few of its own
			if a.PerSecond <= 0 || stored != (mode != engineNone) || (mode == engineStore) != (a.Records == 40+warmUp) {
				t.Errorf("%+v", a)
			}
			if mode == engineStore && (a.PageSize == 0 || a.File == 0) {
				t.Errorf("%+v", a)
			}
		})
	}
	bad := bytes.NewReader([]byte(`{"Mode":"another"}`))
	if err := enginePart(t.Context(), bad, io.Discard, io.Discard); err == nil {
		t.Error("an unknown engine was run")
	}
}

func TestPreloadGoesOnWhereItStopped(t *testing.T) {
	dir := t.TempDir()
	for i, want := range []int{30, 50, 50} {
		o := preloadOrder{Dir: dir, Records: min(30+20*i, 50), Limit: 1 << 30, Callers: 4, Prefix: string(rune('a' + i))}
		if a := order[preloadAnswer](t, preloadPart, o); a.Records != want {
			t.Errorf("run %d: %d records, want %d", i+1, a.Records, want)
		}
	}
}
