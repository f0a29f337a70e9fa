//go:build aws

package dynamo

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payonce/payonce/engine/aws/standin"
	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// local is a client of DynamoDB Local and a new table there.
func local(t *testing.T, options ...func(*dynamodb.Options)) (*dynamodb.Client, string) {
	t.Helper()
	client := dynamodb.NewFromConfig(standin.Config(standin.DynamoDB(t)), options...)
	name := strings.Map(func(r rune) rune {
		if r|0x20 >= 'a' && r|0x20 <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, t.Name())
	if err := CreateTable(t.Context(), client, name); err != nil {
		t.Fatal(err)
	}
	return client, name
}

func TestConformanceLocal(t *testing.T) {
	enginetest.Run(t, conformance(func(t *testing.T) *Ledger {
		client, table := local(t)
		return New(Config{Client: client, Table: table})
	}))
}

func TestTwoProcessesLocal(t *testing.T) {
	client, table := local(t)
	other := dynamodb.NewFromConfig(standin.Config(standin.DynamoDB(t)))
	testTwoProcesses(t, New(Config{Client: client, Table: table}), New(Config{Client: other, Table: table}))
}

func TestInstallationLocal(t *testing.T) {
	client, table := local(t)
	testInstallation(t, New(Config{Client: client, Table: table}))
}

func TestPublishedLocal(t *testing.T) {
	client, table := local(t)
	testPublished(t, New(Config{Client: client, Table: table}))
}

// dropper drops the answers to some operations after the server has carried them out.
type dropper struct {
	next    http.RoundTripper
	drop    func(operation string) bool
	dropped atomic.Int32
}

var errDropped = errors.New("the answer was dropped")

func (d *dropper) RoundTrip(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	answer, err := d.next.RoundTrip(r)
	if err == nil && d.drop(operation) {
		d.dropped.Add(1)
		return nil, errors.Join(errDropped, answer.Body.Close())
	}
	return answer, err
}

// TestLostAnswersLocal: of each kind of write every first answer is lost, and each commit still takes effect once.
func TestLostAnswersLocal(t *testing.T) {
	for _, operation := range []string{"PutItem", "UpdateItem", "TransactWriteItems", "GetItem"} {
		t.Run(operation, func(t *testing.T) {
			var calls atomic.Int32
			d := &dropper{next: http.DefaultTransport}
			d.drop = func(op string) bool { return op == operation && calls.Add(1)%2 == 1 }
			client, table := local(t, func(o *dynamodb.Options) { o.HTTPClient = &http.Client{Transport: d} })
			l := New(Config{Client: client, Table: table})
			for i, reference := range []string{"", "order-1", "order-2"} {
				r := mustWrite(t, l, enginetest.Accept(now, "shop", fmt.Sprint("k", i), reference))
				r = mustWrite(t, l, enginetest.Claim(now, r, "1/1"))
				r = mustWrite(t, l, enginetest.Settle(now, r, idempotency.Failed))
				if got, err := l.Load(t.Context(), r.ID); err != nil || !reflect.DeepEqual(got, r) {
					t.Errorf("loaded %+v, %v", got, err)
				}
			}
			// Both writes of a takeover.
			mustWrite(t, l, enginetest.Accept(now, "shop", "k9", "order-1"))
			if d.dropped.Load() == 0 {
				t.Error("no answer was dropped")
			}
		})
	}
}

// refuser answers the first request to an operation in the service's place.
type refuser struct {
	next      http.RoundTripper
	operation string
	body      string
	done      atomic.Bool
}

func (f *refuser) RoundTrip(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if operation != f.operation || f.done.Swap(true) {
		return f.next.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(f.body)), Request: r,
	}, nil
}

// TestRefusalsLocal: what DynamoDB Local never answers, in the form that DynamoDB gives it.
func TestRefusalsLocal(t *testing.T) {
	const kind = "com.amazonaws.dynamodb.v20120810#"
	for name, f := range map[string]*refuser{
		"throttled put":       {operation: "PutItem", body: `{"__type":"` + kind + `ProvisionedThroughputExceededException","message":"slower"}`},
		"throttled update":    {operation: "UpdateItem", body: `{"__type":"com.amazon.coral.availability#ThrottlingException","message":"slower"}`},
		"conflict of a write": {operation: "UpdateItem", body: `{"__type":"` + kind + `TransactionConflictException","message":"conflict"}`},
		"conflict": {operation: "TransactWriteItems", body: `{"__type":"` + kind + `TransactionCanceledException","Message":"canceled",` +
			`"CancellationReasons":[{"Code":"None"},{"Code":"TransactionConflict","Message":"conflict"}]}`},
		"throttled transaction": {operation: "TransactWriteItems", body: `{"__type":"` + kind + `TransactionCanceledException","Message":"canceled",` +
			`"CancellationReasons":[{"Code":"ThrottlingError"},{"Code":"None"}]}`},
		"throttled get": {operation: "GetItem", body: `{"__type":"` + kind + `RequestLimitExceeded","message":"slower"}`},
	} {
		t.Run(name, func(t *testing.T) {
			f.next = http.DefaultTransport
			client, table := local(t, func(o *dynamodb.Options) { o.HTTPClient = &http.Client{Transport: f} })
			l := New(Config{Client: client, Table: table})
			mustWrite(t, l, enginetest.Accept(now, "shop", "k0", ""))
			r := mustWrite(t, l, enginetest.Accept(now, "shop", "k1", "order-1"))
			want := mustWrite(t, l, enginetest.Claim(now, r, "1/1"))
			if got, err := l.Load(t.Context(), r.ID); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("loaded %+v, %v", got, err)
			}
			if !f.done.Load() {
				t.Error("nothing was refused")
			}
		})
	}
}

// TestDuePagesLocal: entries of more than a megabyte stand before the one that counts.
func TestDuePagesLocal(t *testing.T) {
	client, table := local(t)
	l := New(Config{Client: client, Table: table})
	want := parked(t, l, 20)
	shard := shardOf(want[len(want)-1])
	const stray, batch = 700, 25
	for n := range stray / batch {
		var puts []types.WriteRequest
		for i := range batch {
			pk := []byte(fmt.Sprintf("%04d%s", n*batch+i, strings.Repeat("x", 2000)))
			puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: item{
				attrPK: binary(pk), attrShard: number(shard), attrDue: number(1),
			}}})
		}
		for len(puts) > 0 {
			out, err := client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{table: puts},
			})
			if err != nil {
				t.Fatal(err)
			}
			puts = out.UnprocessedItems[table]
		}
	}
	for _, limit := range []int{3, 20, 1000} {
		got, err := l.Due(t.Context(), 1000, limit)
		if err != nil || !slices.Equal(got, want[:min(limit, 20)]) {
			t.Errorf("limit %d: %d ids, %v", limit, len(got), err)
		}
	}
}

// TestItemsLocal: what DynamoDB stores of the happy path has the sizes that Units reckons with.
func TestItemsLocal(t *testing.T) {
	client, table := local(t)
	l := New(Config{Client: client, Table: table})
	changes := happyPath(t, "k1", ordinary())
	sizes := itemsAfter(t, changes)
	for i, c := range changes {
		mustWrite(t, l, c)
		out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName: &table, Key: item{attrPK: binary(operationKey(c.Record.ID))}, ConsistentRead: aws.Bool(true),
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := Size(out.Item); got != sizes[i] {
			t.Errorf("write %d leaves an item of %d bytes, reckoned %d", i, got, sizes[i])
		}
	}
}

func TestTableLocal(t *testing.T) {
	client, table := local(t)
	if err := CreateTable(t.Context(), client, table); !errors.Is(err, ErrTableExists) {
		t.Errorf("a second table: %v", err)
	}
	out, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range Differences(out.Table) {
		if !strings.Contains(d, "protected against deletion") {
			t.Error(d)
		}
	}
	if _, err := New(Config{Client: client, Table: "nowhere"}).Load(t.Context(), events.ID{1}); !errors.Is(err, ErrNoTable) {
		t.Errorf("another table: %v", err)
	}
}
