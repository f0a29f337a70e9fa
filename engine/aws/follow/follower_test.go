package follow_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/payonce/payonce/engine/aws/dynamo"
	"github.com/payonce/payonce/engine/aws/follow"
	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/idempotency"
)

// capture is a table that keeps nothing but the last item that was put.
type capture struct {
	dynamo.API
	item map[string]types.AttributeValue
}

func (c *capture) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	c.item = in.Item
	return &dynamodb.PutItemOutput{}, nil
}

// images are the items of new payments, numbered from first to last.
func images(t *testing.T, first, last int) (all []map[string]types.AttributeValue) {
	t.Helper()
	c := &capture{}
	l := dynamo.New(dynamo.Config{Client: c, Table: "payonce"})
	for n := first; n <= last; n++ {
		if err := l.Write(t.Context(), enginetest.Accept(time.Now(), "shop", fmt.Sprint(n), "")); err != nil {
			t.Fatal(err)
		}
		all = append(all, c.item)
	}
	return all
}

// output is a text that is read while it is written to.
type output struct {
	mu sync.Mutex
	b  strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// rig is a mirror and the process that follows; both can be stopped and started.
type rig struct {
	t     *testing.T
	far   *far
	store *embedded.Store
	log   output
	stop  func()
}

func newRig(t *testing.T, f *far) *rig {
	t.Helper()
	s, err := embedded.Open(t.Context(), embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, far: f, store: s}
	r.start()
	return r
}

func (r *rig) start() {
	r.t.Helper()
	f, err := follow.New(follow.Config{
		Table: r.far, Streams: r.far, Name: "payonce", Into: r.store,
		Ledger: dynamo.New(dynamo.Config{Client: &capture{}, Table: "payonce"}),
		Logger: slog.New(slog.NewTextHandler(&r.log, nil)),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.t.Context()))
	done := make(chan error)
	go func() { done <- f.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	}
}

func (r *rig) close() {
	r.t.Helper()
	r.stop()
	if err := r.store.Close(); err != nil {
		r.t.Error(err)
	}
}

// want lets time pass and then compares how many payments are mirrored, and how often the table was copied.
func (r *rig) want(payments int64, scans int) {
	r.t.Helper()
	time.Sleep(time.Minute)
	synctest.Wait()
	o, err := r.store.Overview(r.t.Context(), "shop")
	var copied int
	r.far.set(func() { copied = r.far.scans })
	if err != nil || o.States[idempotency.Accepted] != payments || copied != scans {
		r.t.Fatalf("%d payments, want %d; %d copies of the table, want %d; %v\n%s", o.States[idempotency.Accepted], payments, copied, scans, err, r.log.String())
	}
}

// in runs a test in a bubble of time, the clock of which only moves while everything waits.
func in(t *testing.T, test func(t *testing.T, first *farShard, f *far, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		first := &farShard{id: "a", images: images(t, 1, 5)}
		f := &far{arn: "stream/1", items: images(t, 1, 3), shards: []*farShard{first}}
		r := newRig(t, f)
		r.want(5, 1)
		test(t, first, f, r)
		r.close()
	})
}

func TestCopyThenFollow(t *testing.T) {
	in(t, func(t *testing.T, first *farShard, f *far, r *rig) {
		f.set(func() { first.images = append(first.images, images(t, 6, 12)...) })
		r.want(12, 1)
		r.stop()
		f.set(func() { first.images = append(first.images, images(t, 13, 14)...) })
		r.start() // goes on where it was
		r.want(14, 1)
	})
}

func TestAChildWaitsForItsParent(t *testing.T) {
	in(t, func(t *testing.T, first *farShard, f *far, r *rig) {
		f.set(func() { f.shards = append(f.shards, &farShard{id: "b", parent: "a", images: images(t, 6, 9)}) })
		r.want(5, 1)
		f.set(func() { first.closed = true })
		r.want(9, 1)
		f.set(func() {
			f.shards = f.shards[1:] // the parent leaves the stream, read to its end
			f.shards[0].images = append(f.shards[0].images, images(t, 10, 10)...)
		})
		r.want(10, 1)
	})
}

func TestWhatTheStreamHasLostIsCopied(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, first *farShard, f *far){
		"changes left it": func(t *testing.T, first *farShard, f *far) {
			first.first, first.images = 50, images(t, 20, 21)
		},
		"a shard left it unread": func(t *testing.T, _ *farShard, f *far) {
			f.shards = []*farShard{{id: "c", images: images(t, 20, 21)}}
		},
		"it was turned off and on": func(t *testing.T, _ *farShard, f *far) {
			f.arn, f.shards = "stream/2", []*farShard{{id: "c", images: images(t, 20, 21)}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, first *farShard, f *far, r *rig) {
				r.stop()
				f.items = images(t, 1, 19)
				lose(t, first, f)
				r.start()
				r.want(21, 2)
			})
		})
	}
}

// Shards come and go without a trace, so a mirror that was away for too long does not trust what it finds.
func TestAwayForTooLong(t *testing.T) {
	in(t, func(t *testing.T, first *farShard, f *far, r *rig) {
		f.set(func() { first.closed = true })
		r.want(5, 1)
		r.stop()
		time.Sleep(21 * time.Hour)
		f.items = images(t, 1, 9) // 6 to 9 went through a shard that has gone
		f.shards = append(f.shards, &farShard{id: "d", parent: "c", images: images(t, 10, 10)})
		r.start()
		r.want(10, 2)
	})
}

func TestFailuresAreTriedAgain(t *testing.T) {
	in(t, func(t *testing.T, first *farShard, f *far, r *rig) {
		for i, err := range []error{&streamtypes.ExpiredIteratorException{}, errors.New("down"), &streamtypes.LimitExceededException{}} {
			f.set(func() {
				f.fail = err
				first.images = append(first.images, images(t, 6+i, 6+i)...)
			})
			r.want(int64(6+i), 1)
		}
		f.set(func() {
			first.images = append(first.images, map[string]types.AttributeValue{"pk": &types.AttributeValueMemberB{Value: []byte("o garbage")}})
		})
		r.want(8, 1)
		if !strings.Contains(r.log.String(), "reading an item") {
			t.Errorf("garbage is not told of: %s", r.log.String())
		}
	})
}

func TestATableWithoutAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &far{})
		time.Sleep(time.Minute)
		synctest.Wait()
		if !strings.Contains(r.log.String(), "turn it on") {
			t.Error(r.log.String())
		}
		r.close()
	})
}
