package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payonce/payonce/engine/aws/sqs"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// open opens a queue on the fake, whose time is the bubble's.
func open(t *testing.T, f *fake, edit func(*sqs.Config)) *sqs.Queue {
	t.Helper()
	c := sqs.Config{API: f, Queue: "work", Unreadable: func(_ context.Context, body, _ string) error {
		t.Errorf("unreadable: %q", body)
		return nil
	}}
	if edit != nil {
		edit(&c)
	}
	q, err := sqs.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	return q
}

func message(n int) idempotency.Message {
	return idempotency.Message{Operation: events.ID{15: byte(n), 14: byte(n >> 8), 0: 1}}
}

func send(t *testing.T, q *sqs.Queue, ns ...int) {
	t.Helper()
	var out []idempotency.Message
	for _, n := range ns {
		out = append(out, message(n))
	}
	if err := q.Send(t.Context(), out, "shop"); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, q *sqs.Queue, n int) []queue.Delivery {
	t.Helper()
	got, err := q.Receive(t.Context(), n, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func wantError(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestDepth: however many ask, SQS is asked once a second, and nobody waits while there is a recent answer.
func TestDepth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(time.Now)
		api := sqs.NewCounted(f)
		q := open(t, f, func(c *sqs.Config) { c.API = api })
		f.lag = 100 * time.Millisecond
		asked := func() int { return api.Counts()["GetQueueAttributes"].Calls }
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if d, err := q.Depth(t.Context()); err != nil || d != (queue.Depth{}) {
					t.Errorf("%+v, %v", d, err)
				}
			})
		}
		wg.Wait()
		send(t, q, 1, 2)
		began := time.Now()
		if d, err := q.Depth(t.Context()); err != nil || d.Visible != 0 || asked() != 1 || time.Since(began) != 0 {
			t.Errorf("%+v, %v, asked %d times", d, err, asked())
		}
		time.Sleep(1500 * time.Millisecond)
		if d, err := q.Depth(t.Context()); err != nil || d.Visible != 0 || time.Since(began) != 1500*time.Millisecond {
			t.Errorf("an old answer, and a question on its way: %+v, %v", d, err)
		}
		time.Sleep(200 * time.Millisecond)
		if d, err := q.Depth(t.Context()); err != nil || d.Visible != 2 || !d.Oldest.IsZero() || asked() != 2 {
			t.Errorf("%+v, %v, asked %d times", d, err, asked())
		}
		got := receive(t, q, 1)[0]
		time.Sleep(10 * time.Second)
		if d, err := q.Depth(t.Context()); err != nil || d.InFlight != 1 || !d.Oldest.Equal(got.Enqueued) {
			t.Errorf("after a long silence: %+v, %v", d, err)
		}
		f.before = func(string) error { return errCut }
		time.Sleep(10 * time.Second)
		_, err := q.Depth(t.Context())
		wantError(t, "without an answer", err, errCut)
	})
}

// TestExactReceive: SQS is asked for what the caller has room for, and no more.
func TestExactReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(time.Now)
		q := open(t, f, nil)
		send(t, q, 1, 2, 3, 4, 5)
		if got := receive(t, q, 3); len(got) != 3 || !slices.Equal(f.asked, []int32{3}) {
			t.Errorf("got %d, asked %v", len(got), f.asked)
		}
	})
}

func TestGroup(t *testing.T) {
	seen := map[string]string{}
	for _, tenant := range []string{
		"shop", "a.b_c-d", strings.Repeat("x", 128), strings.Repeat("x", 129), "with space", "Zürich", "~shop", "a\x00b", "~",
	} {
		g := sqs.Group(tenant)
		if g == "" || len(g) > 128 {
			t.Errorf("the group of %q is %q", tenant, g)
		}
		for _, c := range []byte(g) {
			if c <= ' ' || c > '~' {
				t.Errorf("the group of %q is %q", tenant, g)
			}
		}
		if other, twice := seen[g]; twice {
			t.Errorf("%q and %q share a group", tenant, other)
		}
		seen[g] = tenant
	}
	if sqs.Group("shop") != "shop" || sqs.Group("") != "" {
		t.Error("a plain name is not its own group")
	}
}

func TestSendLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(time.Now)
		q := open(t, f, nil)
		for _, m := range []idempotency.Message{
			{}, {Operation: message(1).Operation, Delay: -1}, {Operation: message(1).Operation, Delay: idempotency.MaxMessageDelay + 1},
		} {
			wantError(t, fmt.Sprint(m), q.Send(t.Context(), []idempotency.Message{message(2), m}, ""), sqs.ErrLimit)
		}
		wantError(t, "nothing", q.Send(t.Context(), nil, ""), nil)
		if f.left() != 0 {
			t.Errorf("%d messages were sent", f.left())
		}
		for _, trace := range []string{"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", strings.Repeat("t", 64), strings.Repeat("t", 65), "\x00\xff", `"""`} {
			m := message(1)
			m.Trace, m.Delay = trace, 1500*time.Millisecond
			if err := q.Send(t.Context(), []idempotency.Message{m}, ""); err != nil {
				t.Error(err)
			}
		}
		for _, body := range f.bodies {
			if len(body) > sqs.MaxBody {
				t.Errorf("a body of %d bytes: %s", len(body), body)
			}
		}
		if d := time.Until(f.messages[0].visible); d != 2*time.Second {
			t.Errorf("a delay of 1.5 s became %s", d)
		}
	})
}
