package dynamo

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/idempotency"
)

// race lets each ledger, which stands for a process, take one reference with many payments at once, and gives the
// errors by key.
func race(t *testing.T, reference, prefix string, ledgers ...*Ledger) map[string]error {
	t.Helper()
	const each = 6
	var mu sync.Mutex
	errs := map[string]error{}
	var wg sync.WaitGroup
	for p, l := range ledgers {
		for i := range each {
			wg.Go(func() {
				key := fmt.Sprint(prefix, p, "-", i)
				err := l.Write(t.Context(), enginetest.Accept(now, "shop", key, reference))
				mu.Lock()
				defer mu.Unlock()
				errs[key] = err
			})
		}
	}
	wg.Wait()
	return errs
}

// winner wants one taker, named by all others.
func winner(t *testing.T, errs map[string]error) string {
	t.Helper()
	won := ""
	for key, err := range errs {
		if err == nil && won != "" {
			t.Fatalf("both %q and %q took it", won, key)
		}
		if err == nil {
			won = key
		}
	}
	for key, err := range errs {
		var held *idempotency.HeldError
		if key != won && (!errors.As(err, &held) || held.Holder.ID != enginetest.ID("shop", won)) {
			t.Errorf("%q lost with %v; %q won", key, err, won)
		}
	}
	return won
}

// testTwoProcesses races for references that are new, and for the same ones each time they have been given back.
func testTwoProcesses(t *testing.T, a, b *Ledger) {
	t.Helper()
	for _, reference := range []string{"order-1", "order-2"} {
		for round := range 3 {
			won := winner(t, race(t, reference, fmt.Sprint(reference, "-", round, "-"), a, b))
			r, err := a.Load(t.Context(), enginetest.ID("shop", won))
			if err != nil {
				t.Fatal(err)
			}
			c := enginetest.Settle(now, r, idempotency.Failed)
			c.Outcome = nil
			mustWrite(t, b, c)
		}
	}
}

func TestTwoProcesses(t *testing.T) {
	f := newFake()
	testTwoProcesses(t, quick(f, "t"), quick(f, "t"))
}

// TestRetaken: between the look at a free holder and its takeover, the same payment takes the reference again. Who only
// compared the name would now share it.
func TestRetaken(t *testing.T) {
	f := newFake()
	l, other := quick(f, "t"), quick(f, "t")
	first := mustWrite(t, l, enginetest.Accept(now, "shop", "k1", "order-1"))
	c := enginetest.Step(now, first, idempotency.RetryScheduled, func(r *idempotency.Record) { r.Holds = false })
	first = mustWrite(t, l, c)
	takes := 0
	f.before = func(call string) error {
		if call == "transact" {
			if takes++; takes == 2 {
				f.before = nil
				first = mustWrite(t, other, enginetest.Claim(now, first, "1/1"))
			}
		}
		return nil
	}
	var held *idempotency.HeldError
	err := l.Write(t.Context(), enginetest.Accept(now, "shop", "k2", "order-1"))
	if !errors.As(err, &held) || !reflect.DeepEqual(held.Holder, first) {
		t.Errorf("taking over: %v", err)
	}
}

// TestRetakeOwn: the holder item still names the payment that gave the reference back.
func TestRetakeOwn(t *testing.T) {
	f := newFake()
	l := quick(f, "t")
	r := mustWrite(t, l, enginetest.Accept(now, "shop", "k1", "order-1"))
	r = mustWrite(t, l, enginetest.Step(now, r, idempotency.Unknown, func(r *idempotency.Record) { r.Holds = false }))
	r = mustWrite(t, l, enginetest.Claim(now, r, "1/1"))
	if got, err := l.Load(t.Context(), r.ID); err != nil || !got.Holds {
		t.Errorf("%+v, %v", got, err)
	}
	if err := l.Write(t.Context(), enginetest.Accept(now, "shop", "k2", "order-1")); !errors.Is(err, idempotency.ErrHeld) {
		t.Errorf("a second payment: %v", err)
	}
}

// lazy looks at no other item once the holder's condition has failed.
type lazy struct{ API }

func (z lazy) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	out, err := z.API.TransactWriteItems(ctx, in, o...)
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) && code(canceled.CancellationReasons[1]) == reasonCondition {
		canceled.CancellationReasons[0] = types.CancellationReason{Code: aws.String("None")}
	}
	return out, err
}

// TestExistingAnswersFirst also where the service does not say that the record exists.
func TestExistingAnswersFirst(t *testing.T) {
	l := quick(lazy{newFake()}, "t")
	r := mustWrite(t, l, enginetest.Accept(now, "shop", "k1", "order-1"))
	mustWrite(t, l, enginetest.Accept(now, "shop", "k2", "order-2"))
	for _, reference := range []string{"order-1", "order-2"} {
		var stale *idempotency.StaleError
		err := l.Write(t.Context(), enginetest.Accept(now, "shop", "k1", reference))
		if !errors.As(err, &stale) || !reflect.DeepEqual(stale.Current, r) {
			t.Errorf("%s: %v", reference, err)
		}
	}
}

// TestMixedReasons: a conflict on the record hides what it would answer; a refusal by the record itself does not wait.
func TestMixedReasons(t *testing.T) {
	for want, codes := range map[verdict][][]string{
		unapplied: {{reasonConflict, reasonCondition}, {"None", reasonProvision}, {reasonThrottle, "None", "None"}, {"None", reasonCondition, reasonConflict}},
		definite:  {{reasonCondition, reasonConflict}, {"None", reasonCondition}, {"ValidationError", "None"}, {}},
	} {
		for _, c := range codes {
			if got := judge(conflict(c...)); got != want {
				t.Errorf("%v is judged %d, want %d", c, got, want)
			}
		}
	}
}

// TestSameKeyTwoRequests: two requests of one key are too big for the record; the one that is kept is the winner's.
func TestSameKeyTwoRequests(t *testing.T) {
	f := newFake()
	l, other := quick(f, "t"), quick(f, "t")
	first, second := enginetest.Accept(now, "shop", "k1", ""), enginetest.Accept(now, "shop", "k1", "")
	first.Record.Request.Description = strings.Repeat("a", 900)
	second.Record.Request.Description = strings.Repeat("b", 900)
	f.after = func(string) error { // the first's request is stored, its record not yet
		f.after = nil
		mustWrite(t, other, second)
		return nil
	}
	if err := l.Write(t.Context(), first); !errors.Is(err, idempotency.ErrStale) {
		t.Errorf("the first: %v", err)
	}
	if got, err := l.Load(t.Context(), second.Record.ID); err != nil || !reflect.DeepEqual(got, *second.Record) {
		t.Errorf("loaded %+v, %v", got, err)
	}
}

// TestPartsStay: what a Change does not write is as it was, also if the caller's copy lacks it.
func TestPartsStay(t *testing.T) {
	for name, description := range map[string]string{"inline": "", "apart": strings.Repeat("a", 900)} {
		l := quick(newFake(), "t")
		c := enginetest.Accept(now, "shop", "k1", "")
		c.Record.Request.Description = description
		r := mustWrite(t, l, c)
		want := mustWrite(t, l, enginetest.Claim(now, r, "1/1"))
		bare := want
		bare.Request, bare.Frozen = nil, nil
		step := enginetest.Settle(now, bare, idempotency.Failed)
		step.Outcome = nil
		mustWrite(t, l, step)
		got, err := l.Load(t.Context(), r.ID)
		if err != nil || !reflect.DeepEqual(got.Request, r.Request) || !reflect.DeepEqual(got.Frozen, want.Frozen) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestFrozenMoves: the form of a later attempt may fit where the first did not, and the other way round.
func TestFrozenMoves(t *testing.T) {
	l := quick(newFake(), "t")
	r := mustWrite(t, l, enginetest.Accept(now, "shop", "k1", ""))
	for _, size := range []int{2000, 20, 3000, 4000, 10} {
		c := enginetest.Claim(now, r, "1/1")
		c.Record.Frozen.Form = []byte(strings.Repeat("f", size))
		r = mustWrite(t, l, c)
		if got, err := l.Load(t.Context(), r.ID); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("a form of %d bytes: %+v, %v", size, got, err)
		}
	}
}
