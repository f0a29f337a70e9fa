package memory_test

import (
	"testing"

	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/engine/memory"
)

func engine(t *testing.T, s *memory.Store) *enginetest.Engine {
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &enginetest.Engine{Ledger: s, Queue: s, Reader: s, Letters: s, Keys: s}
}

func TestConformance(t *testing.T) {
	for name, split := range map[string]bool{"whole": false, "split": true} {
		t.Run(name, func(t *testing.T) {
			enginetest.Run(t, func(t *testing.T, clock *enginetest.Clock) *enginetest.Engine {
				s := memory.Open(memory.Config{Clock: clock.Now, Split: split})
				clock.OnMove(s.Poke)
				return engine(t, s)
			})
		})
	}
}
