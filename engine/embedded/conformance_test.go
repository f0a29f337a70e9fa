package embedded_test

import (
	"testing"

	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/engine/enginetest"
)

func TestConformance(t *testing.T) {
	enginetest.Run(t, func(t *testing.T, clock *enginetest.Clock) *enginetest.Engine {
		return openEngine(t, clock, t.TempDir())
	})
}

func openEngine(t *testing.T, clock *enginetest.Clock, dir string) *enginetest.Engine {
	t.Helper()
	s, err := embedded.Open(t.Context(), embedded.Config{Dir: dir, Clock: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	clock.OnMove(s.Poke)
	closeStore := func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	t.Cleanup(closeStore) // closing twice does nothing
	return &enginetest.Engine{
		Ledger: s, Queue: s, Reader: s, Letters: s, Keys: s,
		Reopen: func(t *testing.T) *enginetest.Engine {
			closeStore()
			return openEngine(t, clock, dir)
		},
	}
}
