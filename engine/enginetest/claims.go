package enginetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/payonce/payonce/idempotency"
)

// claimInput and claimOutput are one call on one record; the model is a version and its owner.
type claimInput struct {
	claim  bool // else a load
	expect uint64
	owner  string
}

type claimOutput struct {
	ok      bool
	version uint64
	owner   string
}

type claimState struct {
	version uint64
	owner   string
}

// claimModel is a register with compare-and-set.
var claimModel = porcupine.Model{
	Init: func() any { return claimState{version: 1} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(claimState), input.(claimInput), output.(claimOutput) //nolint:forcetypeassert // ours
		if in.claim && out.ok {
			return in.expect == s.version, claimState{version: in.expect + 1, owner: in.owner}
		}
		return out.version == s.version && out.owner == s.owner && (!in.claim || in.expect != s.version), s
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
}

// testConcurrentClaims lets workers race for one record and asks whether some order of their calls explains it all.
func testConcurrentClaims(t *testing.T, b *bench) {
	const workers, calls = 6, 25
	id := b.accept("k1", "order-1").ID
	start := time.Now()
	histories := make([][]porcupine.Operation, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			owner := fmt.Sprintf("1/%d", w)
			for range calls {
				op := porcupine.Operation{ClientId: w, Input: claimInput{}, Call: int64(time.Since(start))}
				r, err := b.Ledger.Load(b.ctx, id)
				op.Return = int64(time.Since(start))
				if err != nil {
					t.Error(err)
					return
				}
				op.Output = claimOutput{ok: true, version: r.Version, owner: r.Lease.Owner}
				histories[w] = append(histories[w], op)

				op = porcupine.Operation{ClientId: w, Input: claimInput{claim: true, expect: r.Version, owner: owner}}
				c := Claim(b.clock.Now(), r, owner)
				op.Call = int64(time.Since(start))
				err = b.Ledger.Commit(b.ctx, c)
				op.Return = int64(time.Since(start))
				var stale *idempotency.StaleError
				switch {
				case err == nil:
					op.Output = claimOutput{ok: true}
				case errors.As(err, &stale):
					op.Output = claimOutput{version: stale.Current.Version, owner: stale.Current.Lease.Owner}
				default:
					t.Error(err)
					return
				}
				histories[w] = append(histories[w], op)
			}
		})
	}
	wg.Wait()
	var all []porcupine.Operation
	won := 0
	for _, h := range histories {
		all = append(all, h...)
	}
	for _, op := range all {
		if in, ok := op.Input.(claimInput); ok && in.claim && op.Output.(claimOutput).ok { //nolint:forcetypeassert // ours
			won++
		}
	}
	if r := b.load(id); r.Version != uint64(won)+1 {
		t.Errorf("%d claims were won, the record is at version %d", won, r.Version)
	}
	if got := porcupine.CheckOperationsTimeout(claimModel, all, patience); got != porcupine.Ok {
		t.Errorf("no order of the calls explains their answers: %v", got)
	}
}
