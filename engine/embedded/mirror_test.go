package embedded_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

// copyOf is how another ledger's change arrives.
func copyOf(c idempotency.Change) embedded.Copy {
	return embedded.Copy{Record: c.Record}
}

func mirror(t *testing.T, s *embedded.Store, where string, copies ...embedded.Copy) {
	t.Helper()
	if err := s.Mirror(t.Context(), copies, map[string]string{"shard": where}); err != nil {
		t.Fatal(err)
	}
}

// Copies may come twice, out of order and with gaps: the newest stays, and each outcome is in the feed once.
func TestMirror(t *testing.T) {
	dir := t.TempDir()
	s := open(t, embedded.Config{Dir: dir})
	now := time.Now()
	accepted := enginetest.Accept(now, "shop", "k1", "order-1")
	claimed := enginetest.Claim(now, *accepted.Record, "1/1")
	claimed.Record.Request = accepted.Record.Request
	settled := enginetest.Settle(now, *claimed.Record, idempotency.Succeeded)
	settled.Record.Request = accepted.Record.Request

	mirror(t, s, "1", copyOf(accepted))
	mirror(t, s, "2", copyOf(settled)) // the claim in between is missed
	mirror(t, s, "3", copyOf(claimed), copyOf(accepted), copyOf(settled))
	got, err := s.Load(t.Context(), accepted.Record.ID)
	if err != nil || !reflect.DeepEqual(got, *settled.Record) {
		t.Fatalf("%+v, %v\nwant %+v", got, err, *settled.Record)
	}
	feed, err := s.Events(t.Context(), "shop", 0, 10)
	if err != nil || len(feed.Events) != 1 || !reflect.DeepEqual(feed.Events[0].Outcome, *settled.Outcome) {
		t.Fatalf("%+v, %v", feed, err)
	}
	if o, err := s.Overview(t.Context(), "shop"); err != nil || o.States[idempotency.Succeeded] != 1 || o.States[idempotency.Accepted] != 0 {
		t.Fatalf("%+v, %v", o, err)
	}
	wantWhere(t, s, map[string]string{"shard": "3"})
	closeStore(t, s)
	s = open(t, embedded.Config{Dir: dir})
	wantWhere(t, s, map[string]string{"shard": "3"})
	mirror(t, s, "")
	wantWhere(t, s, map[string]string{})
}

func wantWhere(t *testing.T, s *embedded.Store, want map[string]string) {
	t.Helper()
	if got, err := s.Mirrored(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("mirrored to %v, %v", got, err)
	}
}

// The copy of who takes a reference over may come before the copy of who let it go.
func TestMirrorHoldsNothing(t *testing.T) {
	s := open(t, embedded.Config{})
	now := time.Now()
	var copies []embedded.Copy
	for i := range 3 {
		c := enginetest.Accept(now, "shop", fmt.Sprint("k", i), "order-1")
		if !c.Record.Holds {
			t.Fatal("the record does not hold its reference")
		}
		copies = append(copies, copyOf(c))
	}
	mirror(t, s, "1", copies...)
	p, err := s.List(t.Context(), read.Filter{Tenant: "shop", Reference: "order-1"})
	if err != nil || len(p.Records) != 3 || !p.Records[0].Holds {
		t.Fatalf("%+v, %v", p, err)
	}
}

// Letters may be given again, in any state: each is there once, as it was stated last.
func TestMirrorStatesLetters(t *testing.T) {
	s := open(t, embedded.Config{})
	c := enginetest.Accept(time.Now(), "shop", "k1", "")
	verify := read.Letter{Operation: c.Record.ID, Tenant: "shop", Class: idempotency.AttentionVerify, Reason: "r", Opened: 1}
	poison := read.Letter{Operation: c.Record.ID, Tenant: "shop", Class: idempotency.AttentionPoison, Reason: "p", Opened: 2}
	give := func(letters ...read.Letter) {
		mirror(t, s, "1", embedded.Copy{Record: c.Record, Letters: letters})
	}
	give(verify)
	give(verify, poison)
	verify.Resolved = 3
	again := verify // opened anew in the same millisecond
	again.Resolved, again.Reason = 0, "again"
	give(verify, poison, again)
	give(verify, poison, again)
	l, err := s.Letters(t.Context(), read.LetterFilter{Tenant: "shop"})
	if err != nil || !reflect.DeepEqual(l.Letters, []read.Letter{again, poison, verify}) {
		t.Fatalf("%+v, %v", l, err)
	}
	if l, err = s.Letters(t.Context(), read.LetterFilter{Tenant: "shop", Open: true}); err != nil || len(l.Letters) != 2 {
		t.Fatalf("%+v, %v", l, err)
	}
}

func TestMirrorRefusesWholeCalls(t *testing.T) {
	s := open(t, embedded.Config{})
	bad := copyOf(enginetest.Accept(time.Now(), "shop", "k3", ""))
	bad.Record.Version = 0
	if err := s.Mirror(t.Context(), []embedded.Copy{copyOf(enginetest.Accept(time.Now(), "shop", "k2", "")), bad}, nil); !errors.Is(err, embedded.ErrChange) {
		t.Fatalf("%v", err)
	}
	if o, err := s.Overview(t.Context(), "shop"); err != nil || len(o.States) != 0 {
		t.Fatalf("a refused call left something: %+v, %v", o, err)
	}
}
