package dynamo

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/payonce/payonce/engine"
	"github.com/payonce/payonce/idempotency"
)

func testInstallation(t *testing.T, l *Ledger) {
	t.Helper()
	ctx := t.Context()
	if _, err := l.Meta(ctx); !errors.Is(err, ErrNoInstallation) {
		t.Errorf("before the first boot: %v", err)
	}
	if err := l.KeepAccount(ctx, engine.Account{}); !errors.Is(err, ErrNoInstallation) {
		t.Errorf("an account before the first boot: %v", err)
	}
	if _, known, err := l.Account(ctx); known || err != nil {
		t.Errorf("an account nobody kept: %v", err)
	}
	if err := l.CloseGate(ctx); err != nil {
		t.Error(err)
	}
	const n = 5
	metas := make([]engine.Meta, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			var err error
			if metas[i], err = l.Boot(ctx, bytes.NewReader(bytes.Repeat([]byte{byte(i + 1)}, 48)), 1000); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	boots := map[string]bool{}
	for _, m := range metas {
		boots[m.BootName()] = true
		if m.Installation != metas[0].Installation || m.Secret != metas[0].Secret || m.Generation != 1 || m.Created != 1000 {
			t.Errorf("two that booted at once: %+v, %+v", m, metas[0])
		}
	}
	if len(boots) != n {
		t.Errorf("names of boots: %v", boots)
	}
	if s := fmt.Sprintf("%v %+v %#v", metas[0], metas[0], metas[0].Secret); !strings.Contains(s, "[secret]") {
		t.Errorf("the secret prints itself: %s", s)
	}
	testAccount(t, l)
	testGate(t, l)
}

func testAccount(t *testing.T, l *Ledger) {
	t.Helper()
	for _, c := range []struct {
		keep engine.Account
		want error
		kept engine.Account
	}{
		{engine.Account{Live: true}, nil, engine.Account{Live: true}},
		{engine.Account{Live: false}, engine.ErrAccount, engine.Account{Live: true}},
		{engine.Account{ID: "acct_1", Live: true}, nil, engine.Account{ID: "acct_1", Live: true}},
		{engine.Account{ID: "acct_2", Live: true}, engine.ErrAccount, engine.Account{ID: "acct_1", Live: true}},
		{engine.Account{ID: "acct_1"}, engine.ErrAccount, engine.Account{ID: "acct_1", Live: true}},
		{engine.Account{Live: true}, nil, engine.Account{ID: "acct_1", Live: true}},
	} {
		if err := l.KeepAccount(t.Context(), c.keep); !errors.Is(err, c.want) {
			t.Errorf("keeping %+v: %v", c.keep, err)
		}
		if got, known, err := l.Account(t.Context()); !known || err != nil || got != c.kept {
			t.Errorf("after %+v: %+v, %v", c.keep, got, err)
		}
	}
}

func testGate(t *testing.T, l *Ledger) {
	t.Helper()
	ctx := t.Context()
	if w, err := l.Gate(ctx); w != nil || err != nil {
		t.Errorf("a gate that nobody opened: %v, %v", w, err)
	}
	m, err := l.OpenGate(ctx, 500, 2000, idempotency.Window{From: 400, To: 2000})
	if err != nil || m.Generation != 2000 || m.TakenAt != 500 {
		t.Errorf("restored: %+v, %v", m, err)
	}
	if m, err = l.OpenGate(ctx, 700, 1500, idempotency.Window{From: 600, To: 1500, Oldest: 7}); err != nil || m.Generation != 2001 {
		t.Errorf("restored again: %+v, %v", m, err)
	}
	want := idempotency.Window{From: 400, To: 2000, Oldest: 7}
	if w, err := l.Gate(ctx); err != nil || w == nil || *w != want {
		t.Errorf("the gate is %+v, %v", w, err)
	}
	if got, err := l.Meta(ctx); err != nil || got != m {
		t.Errorf("meta %+v, %v; stamped %+v", got, err, m)
	}
	if err := l.CloseGate(ctx); err != nil {
		t.Error(err)
	}
	if w, err := l.Gate(ctx); w != nil || err != nil {
		t.Errorf("a closed gate: %v, %v", w, err)
	}
}

func TestInstallation(t *testing.T) {
	f := newFake()
	testInstallation(t, quick(f, "t"))
	f.items[string(key(kindMeta))][attrData] = binary([]byte{0xa0})
	if _, err := quick(f, "t").Meta(t.Context()); !errors.Is(err, ErrCorrupt) {
		t.Errorf("garbage: %v", err)
	}
}
