package sqs_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/payonce/payonce/engine/aws/sqs"
)

func TestCreate(t *testing.T) {
	f := newFake(time.Now)
	var calls []string
	f.before = func(action string) error {
		calls = append(calls, action)
		return nil
	}
	if err := sqs.Create(t.Context(), f, "work"); err != nil {
		t.Fatal(err)
	}
	want := `CreateQueue work {"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:000000000000:work-dead","maxReceiveCount":50}`
	if len(calls) != 3 || calls[0] != "CreateQueue work-dead " || calls[2] != want {
		t.Errorf("calls %q", calls)
	}
	f.before = func(string) error { return errCut }
	err := sqs.Create(t.Context(), f, "a", "b")
	wantError(t, "create", err, errCut)
	if !strings.Contains(err.Error(), "create a") || !strings.Contains(err.Error(), "create b") {
		t.Error(err)
	}
}

// wire answers what the SDK's client sends.
type wire struct {
	requests atomic.Int64
	host     atomic.Value
}

func (w *wire) Do(r *http.Request) (*http.Response, error) {
	w.requests.Add(1)
	w.host.Store(r.URL.Host)
	return &http.Response{
		StatusCode: http.StatusServiceUnavailable, Request: r, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(`{"__type":"ServiceUnavailable"}`)),
	}, nil
}

// TestOneRequestPerCall: with the SDK's own client a call is one request, and only the endpoint is dialled.
func TestOneRequestPerCall(t *testing.T) {
	w := &wire{}
	api := awssqs.NewFromConfig(aws.Config{
		Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
		BaseEndpoint: aws.String("http://127.0.0.1:9"), HTTPClient: w, RetryMaxAttempts: 9,
	})
	counted := sqs.NewCounted(api)
	q, err := sqs.Open(t.Context(), sqs.Config{
		API: counted, URL: "https://sqs.eu-central-1.amazonaws.com/000000000000/work", Patience: time.Nanosecond,
		Unreadable: func(context.Context, string, string) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = q.Close() }()
	if _, err := q.Receive(t.Context(), 1, time.Minute); err == nil {
		t.Error("an answer 503 was taken for a success")
	}
	if _, err := q.Depth(t.Context()); err == nil {
		t.Error("an answer 503 was taken for a success")
	}
	if c := counted.Counts(); w.requests.Load() != int64(c["ReceiveMessage"].Calls+c["GetQueueAttributes"].Calls) {
		t.Errorf("%d requests for %v", w.requests.Load(), c)
	}
	if w.host.Load() != "127.0.0.1:9" {
		t.Errorf("%v was dialled", w.host.Load())
	}
}
