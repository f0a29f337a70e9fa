package dynamo

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/idempotency"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// nth gives an error at the n-th call of a kind and at no other.
func nth(kind string, n int, err error) func(string) error {
	var seen atomic.Int32
	return func(call string) error {
		if call == kind && int(seen.Add(1)) == n {
			return err
		}
		return nil
	}
}

// lost is an answer that never came.
func lost() error { return &types.InternalServerError{Message: aws.String("lost")} }

func conflict(codes ...string) error {
	e := &types.TransactionCanceledException{}
	for _, code := range codes {
		e.CancellationReasons = append(e.CancellationReasons, types.CancellationReason{Code: aws.String(code)})
	}
	return e
}

func mustWrite(t *testing.T, l *Ledger, c idempotency.Change) idempotency.Record {
	t.Helper()
	if err := l.Write(t.Context(), c); err != nil {
		t.Fatalf("write: %v", err)
	}
	return *c.Record
}

// TestFaults: whatever happens to one call of a commit, it takes effect once and says so.
func TestFaults(t *testing.T) {
	faults := map[string]error{
		"throttled":    &types.ProvisionedThroughputExceededException{},
		"over limit":   &types.RequestLimitExceeded{},
		"conflict":     &types.TransactionConflictException{},
		"canceled":     conflict("None", reasonConflict),
		"canceled too": conflict(reasonThrottle, "None"),
		"lost":         lost(),
	}
	for name, fault := range faults {
		for _, kind := range []string{"put", "transact", "update", "get"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				f := newFake()
				l := quick(f, "t")
				f.before = nth(kind, 1, fault)
				free := mustWrite(t, l, enginetest.Accept(now, "shop", "k0", ""))
				held := mustWrite(t, l, enginetest.Accept(now, "shop", "k1", "order-1"))
				for _, r := range []idempotency.Record{free, held} {
					claimed := mustWrite(t, l, enginetest.Claim(now, r, "1/1"))
					if got, err := l.Load(t.Context(), r.ID); err != nil || !reflect.DeepEqual(got, claimed) {
						t.Errorf("loaded %+v, %v", got, err)
					}
				}
			})
		}
	}
}

// TestLostAnswers: a write took effect and its answer was lost; sent again it is refused by itself, and that is success.
func TestLostAnswers(t *testing.T) {
	for _, kind := range []string{"put", "transact", "update"} {
		t.Run(kind, func(t *testing.T) {
			f := newFake()
			l := quick(f, "t")
			f.after = nth(kind, 1, lost())
			for _, reference := range []string{"", "order-1"} {
				r := mustWrite(t, l, enginetest.Accept(now, "shop", "k"+reference, reference))
				r = mustWrite(t, l, enginetest.Claim(now, r, "1/1"))
				mustWrite(t, l, enginetest.Settle(now, r, idempotency.Succeeded))
			}
			if err := l.PutKey(t.Context(), access.Key{ID: "key_1", Hash: [32]byte{1}}); err != nil {
				t.Errorf("a key: %v", err)
			}
			if keys, err := l.ListKeys(t.Context()); err != nil || len(keys) != 1 {
				t.Errorf("keys %v, %v", keys, err)
			}
		})
	}
}

// TestNoDoubt: nothing was lost, so that a record that is as ours would be is another's.
func TestNoDoubt(t *testing.T) {
	f := newFake()
	l, other := quick(f, "t"), quick(f, "t")
	c := enginetest.Accept(now, "shop", "k1", "")
	throttled := nth("put", 1, &types.ThrottlingException{})
	f.before = func(call string) error {
		err := throttled(call)
		if err != nil {
			f.before = nil
			mustWrite(t, other, c)
		}
		return err
	}
	var stale *idempotency.StaleError
	if err := l.Write(t.Context(), c); !errors.As(err, &stale) || !reflect.DeepEqual(stale.Current, *c.Record) {
		t.Errorf("the second of two writers got %v", err)
	}
}

// TestOvertaken: an answer was lost and the record has moved on since.
func TestOvertaken(t *testing.T) {
	f := newFake()
	l := quick(f, "t")
	c := enginetest.Accept(now, "shop", "k1", "")
	f.after = func(string) error {
		f.after = nil
		mustWrite(t, l, enginetest.Claim(now, *c.Record, "1/2"))
		return lost()
	}
	var stale *idempotency.StaleError
	if err := l.Write(t.Context(), c); !errors.As(err, &stale) || stale.Current.Version != 2 {
		t.Errorf("overtaken: %v", err)
	}
}

func TestGivesUp(t *testing.T) {
	f := newFake()
	l := quick(f, "t")
	f.before = func(string) error { return lost() }
	err := l.Write(t.Context(), enginetest.Accept(now, "shop", "k1", ""))
	var cause *types.InternalServerError
	if !errors.As(err, &cause) || errors.Is(err, idempotency.ErrStale) || errors.Is(err, idempotency.ErrHeld) {
		t.Errorf("an outage: %v", err)
	}
	f.before = func(string) error { return &types.ResourceNotFoundException{} }
	if _, err := l.Load(t.Context(), enginetest.ID("shop", "k1")); !errors.Is(err, ErrNoTable) {
		t.Errorf("no table: %v", err)
	}
}

// hanging is a client whose first calls wait for the end of their time.
type hanging struct {
	API

	left atomic.Int32
}

func (h *hanging) PutItem(ctx context.Context, in *dynamodb.PutItemInput, o ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if h.left.Add(-1) >= 0 {
		<-ctx.Done()
		return nil, &aws.RequestCanceledError{Err: ctx.Err()}
	}
	return h.API.PutItem(ctx, in, o...)
}

func TestHangingServer(t *testing.T) {
	h := &hanging{API: newFake()}
	l := New(Config{Client: h, Table: "t", TryTimeout: 5 * time.Millisecond, FirstDelay: time.Microsecond})
	h.left.Store(2)
	mustWrite(t, l, enginetest.Accept(now, "shop", "k1", ""))

	h.left.Store(1 << 20)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := l.Write(ctx, enginetest.Accept(now, "shop", "k2", "")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("at the end of the context: %v", err)
	}
}

// TestOurRetriesOnly: against the SDK's own client, a call is made as often as this package says and no more.
func TestOurRetriesOnly(t *testing.T) {
	var calls atomic.Int32
	client := dynamodb.New(dynamodb.Options{
		Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), RetryMaxAttempts: 5,
		HTTPClient: doer(func(*http.Request) (*http.Response, error) {
			calls.Add(1)
			body := strings.NewReader(`{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"no"}`)
			return &http.Response{StatusCode: http.StatusInternalServerError, Header: http.Header{}, Body: readCloser{body}}, nil
		}),
	})
	l := New(Config{Client: client, Table: "t", Tries: 3, FirstDelay: time.Microsecond})
	if err := l.Write(t.Context(), enginetest.Accept(now, "shop", "k1", "")); err == nil || calls.Load() != 3 {
		t.Errorf("%d requests, %v", calls.Load(), err)
	}
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// TestGarbage: what nobody of ours wrote is named, and not taken for a payment.
func TestGarbage(t *testing.T) {
	id := enginetest.ID("shop", "k1")
	big := enginetest.Accept(now, "shop", "k1", "order-1")
	big.Record.Request.Description = strings.Repeat("x", 900)
	spoil := func(name string, v types.AttributeValue) func(map[string]item) {
		return func(items map[string]item) { items[string(operationKey(id))][name] = v }
	}
	for name, edit := range map[string]func(map[string]item){
		"record":      spoil(attrData, binary([]byte("garbage"))),
		"no record":   spoil(attrData, nil),
		"kind":        spoil(attrData, yes),
		"version":     spoil(attrVersion, number(7)),
		"text":        spoil(attrVersion, &types.AttributeValueMemberN{Value: "1.5"}),
		"no binary":   spoil(attrRequestP, number(1)),
		"held":        spoil(attrHolds, nil),
		"two places":  spoil(attrRequest, binary([]byte{0xa0})),
		"lost part":   func(items map[string]item) { delete(items, partOf(items)) },
		"edited part": func(items map[string]item) { items[partOf(items)][attrData] = binary([]byte{0xa0}) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			l := quick(f, "t")
			mustWrite(t, l, big)
			edit(f.items)
			for n, v := range f.items[string(operationKey(id))] {
				if v == nil {
					delete(f.items[string(operationKey(id))], n)
				}
			}
			if _, err := l.Load(t.Context(), id); !errors.Is(err, ErrCorrupt) {
				t.Errorf("load: %v", err)
			}
			// A repeat of the same request would write a lost part again.
			if err := l.Write(t.Context(), enginetest.Accept(now, "shop", "k1", "")); !errors.Is(err, ErrCorrupt) {
				t.Errorf("write: %v", err)
			}
		})
	}
}

func partOf(items map[string]item) string {
	for pk := range items {
		if pk[0] == kindPart {
			return pk
		}
	}
	panic("no part")
}

func TestGarbageOfHolders(t *testing.T) {
	f := newFake()
	l := quick(f, "t")
	c := enginetest.Accept(now, "shop", "k1", "order-1")
	pk := holderKey("shop", "order-1")
	for name, it := range map[string]item{
		"nobody":    {attrPK: binary(pk), attrOwner: binary(bytes.Repeat([]byte{7}, 16)), attrTurn: number(1)},
		"no owner":  {attrPK: binary(pk), attrTurn: number(1)},
		"no turn":   {attrPK: binary(pk), attrOwner: binary(bytes.Repeat([]byte{7}, 16))},
		"no number": {attrPK: binary(pk), attrOwner: binary(bytes.Repeat([]byte{7}, 16)), attrTurn: yes},
	} {
		f.items = map[string]item{string(pk): it}
		if err := l.Write(t.Context(), c); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("o0123456789abcdef"), "1", []byte{0xa0}, []byte{0xa0}, []byte{0xa0})
	f.Fuzz(func(t *testing.T, pk []byte, version string, data, request, frozen []byte) {
		s, err := parse(item{
			attrPK: binary(pk), attrVersion: &types.AttributeValueMemberN{Value: version}, attrData: binary(data),
			attrRequest: binary(request), attrFrozen: binary(frozen),
		})
		if err == nil {
			_, err = s.decode()
		}
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("not said to be damaged: %v", err)
		}
	})
}
