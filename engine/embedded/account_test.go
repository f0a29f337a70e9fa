package embedded_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/payonce/payonce/engine"
	"github.com/payonce/payonce/engine/embedded"
)

func TestKeepAccount(t *testing.T) {
	dir := t.TempDir()
	s := open(t, embedded.Config{Dir: dir})
	want := func(s *embedded.Store, a engine.Account, known bool) {
		t.Helper()
		if got, is, err := s.Account(t.Context()); err != nil || is != known || got != a {
			t.Fatalf("%+v, %v, %v", got, is, err)
		}
	}
	keep := func(a engine.Account, refused error) {
		t.Helper()
		if err := s.KeepAccount(t.Context(), a); !errors.Is(err, refused) {
			t.Fatalf("%+v: %v", a, err)
		}
	}
	want(s, engine.Account{}, false)
	keep(engine.Account{Live: true}, nil) // a restricted key
	want(s, engine.Account{Live: true}, true)
	keep(engine.Account{ID: "acct_1"}, engine.ErrAccount)
	keep(engine.Account{ID: "acct_1", Live: true}, nil)
	keep(engine.Account{Live: true}, nil) // does not forget the id
	keep(engine.Account{ID: "acct_2", Live: true}, engine.ErrAccount)
	keep(engine.Account{ID: "acct_1", Live: false}, engine.ErrAccount)
	want(s, engine.Account{ID: "acct_1", Live: true}, true)

	copied := filepath.Join(t.TempDir(), "backup")
	if err := s.Backup(t.Context(), copied, nil); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	want(open(t, embedded.Config{Dir: dir}), engine.Account{ID: "acct_1", Live: true}, true)
	to := t.TempDir()
	if _, err := embedded.Restore(t.Context(), copied, to, time.Now()); err != nil {
		t.Fatal(err)
	}
	want(open(t, embedded.Config{Dir: to}), engine.Account{ID: "acct_1", Live: true}, true)
}
