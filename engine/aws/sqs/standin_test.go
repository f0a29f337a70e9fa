//go:build aws

package sqs_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/payonce/payonce/engine/aws/sqs"
	"github.com/payonce/payonce/engine/aws/standin"
	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// unused is the name of a queue that the server, which outlives a test, has not seen.
func unused() string { return "test-" + strconv.FormatInt(time.Now().UnixNano(), 36) }

// TestConformanceStandIn runs the suite against a real server of the SQS protocol.
func TestConformanceStandIn(t *testing.T) {
	api := awssqs.NewFromConfig(standin.Config(standin.SQS(t)))
	enginetest.RunQueue(t, func(t *testing.T, clock *enginetest.Clock) *enginetest.Engine {
		name := unused()
		if err := sqs.Create(t.Context(), api, name); err != nil {
			t.Fatal(err)
		}
		e := pair(t, clock, sqs.Config{API: api, Queue: name})
		e.RealTime, e.ApproximateDepth, e.Repeats = time.Second, true, true
		return e
	})
}

// TestStandIn is what the suite does not look at: what is on the wire.
func TestStandIn(t *testing.T) {
	api := awssqs.NewFromConfig(standin.Config(standin.SQS(t)))
	kept := make(chan string, 1)
	c := sqs.Config{API: api, Queue: unused(), Unreadable: func(_ context.Context, body, _ string) error {
		kept <- body
		return nil
	}}
	_, err := sqs.Open(t.Context(), c)
	wantError(t, "open before it exists", err, sqs.ErrMissing)
	for range 2 {
		if err := sqs.Create(t.Context(), api, c.Queue); err != nil {
			t.Fatal(err)
		}
	}
	q := open(t, nil, func(o *sqs.Config) { *o = c })
	url, err := api.GetQueueUrl(t.Context(), &awssqs.GetQueueUrlInput{QueueName: &c.Queue})
	if err != nil {
		t.Fatal(err)
	}
	attributes, err := api.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{
		QueueUrl: url.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	dead := "arn:aws:sqs:" + standin.Region + ":" + standin.Account + ":" + c.Queue + sqs.DeadSuffix
	want := sqs.Work().Attributes(dead)
	for _, name := range []types.QueueAttributeName{
		types.QueueAttributeNameVisibilityTimeout, types.QueueAttributeNameReceiveMessageWaitTimeSeconds, types.QueueAttributeNameRedrivePolicy,
	} {
		if got := attributes.Attributes[string(name)]; got != want[string(name)] {
			t.Errorf("%s is %s, want %s", name, got, want[string(name)])
		}
	}

	// A message that is no work is kept and leaves.
	garbage := "hello"
	if _, err := api.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: url.QueueUrl, MessageBody: &garbage}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := q.Receive(ctx, 10, time.Minute)
		done <- err
	}()
	if got := <-kept; got != garbage {
		t.Errorf("kept %q", got)
	}
	cancel()
	wantError(t, "receive", <-done, context.Canceled)

	// A release keeps the tenant, the trace and the time.
	m := message(1)
	m.Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	if err := q.Send(t.Context(), []idempotency.Message{m}, "with space"); err != nil {
		t.Fatal(err)
	}
	first := receive(t, q, 1)[0]
	if err := q.Release(t.Context(), first.Receipt, time.Second); err != nil {
		t.Fatal(err)
	}
	raw, err := api.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{
		QueueUrl: url.QueueUrl, WaitTimeSeconds: 10, VisibilityTimeout: 1,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil || len(raw.Messages) != 1 {
		t.Fatalf("%+v, %v", raw, err)
	}
	if got := raw.Messages[0].Attributes["MessageGroupId"]; got != sqs.Group("with space") {
		t.Errorf("the group is %q", got)
	}
	again := receive(t, q, 1)[0]
	if again.Operation != first.Operation || again.Trace != m.Trace || !again.Enqueued.Equal(first.Enqueued) || again.Receives != 2 {
		t.Errorf("got %+v, first %+v", again, first)
	}
	if verdicts, err := q.Delete(t.Context(), []queue.Receipt{again.Receipt}); err != nil || verdicts[0] != nil {
		t.Errorf("delete: %v, %v", verdicts, err)
	}
}
