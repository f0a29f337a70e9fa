package main

import (
	"testing"
	"time"

	"github.com/payonce/payonce/gateway/sandbox"
)

func sandboxAt(path string) sandbox.Config { return sandbox.Config{Path: path} }

// forget makes the stand-in forget its idempotency keys, as Stripe may after a day.
func forget(core *sandbox.Stripe, now time.Time) { core.Forget(now) }

func TestSandboxFaultsFromFlags(t *testing.T) {
	p, err := sandboxFaults{lost: 0.02, stored500: 0.01, busy: 0.01, seed: 7}.plan()
	if err != nil || len(p.Rules) != 3 || p.Seed != 7 {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err = (sandboxFaults{}).plan(); err != nil || len(p.Rules) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err = (sandboxFaults{busy: -1}).plan(); err == nil {
		t.Error("a negative share was taken")
	}
}
