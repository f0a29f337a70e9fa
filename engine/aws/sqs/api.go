package sqs

import (
	"context"
	"maps"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
)

// API is what a Queue calls of the SDK's client; *sqs.Client of aws-sdk-go-v2 implements it. Safe for concurrent use.
//
// The client dials its own endpoint, also where it has an override for a stand-in: the URL of a queue is only sent in the
// request, and its host is never dialled.
type API interface {
	GetQueueUrl(context.Context, *awssqs.GetQueueUrlInput, ...func(*awssqs.Options)) (*awssqs.GetQueueUrlOutput, error)
	GetQueueAttributes(context.Context, *awssqs.GetQueueAttributesInput, ...func(*awssqs.Options)) (*awssqs.GetQueueAttributesOutput, error)
	ReceiveMessage(context.Context, *awssqs.ReceiveMessageInput, ...func(*awssqs.Options)) (*awssqs.ReceiveMessageOutput, error)
	SendMessageBatch(context.Context, *awssqs.SendMessageBatchInput, ...func(*awssqs.Options)) (*awssqs.SendMessageBatchOutput, error)
	DeleteMessageBatch(context.Context, *awssqs.DeleteMessageBatchInput, ...func(*awssqs.Options)) (*awssqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *awssqs.ChangeMessageVisibilityBatchInput, ...func(*awssqs.Options)) (*awssqs.ChangeMessageVisibilityBatchOutput, error)
}

// Admin also creates queues. Only stand-ins are set up through it; on AWS the stack does that.
type Admin interface {
	API
	CreateQueue(context.Context, *awssqs.CreateQueueInput, ...func(*awssqs.Options)) (*awssqs.CreateQueueOutput, error)
}

var _ Admin = (*awssqs.Client)(nil)

// once turns the SDK's retries off for one call: one call is one request, and what is repeated is repeated here.
func once(o *awssqs.Options) { o.Retryer = aws.NopRetryer{} }

// Count is how often an action was called.
type Count struct {
	Calls   int // requests, failed ones included; each is billed, since none is over 64 KB
	Entries int // messages sent, received, deleted or changed in them, as asked for by a batch or answered by a receive
}

// Counted is an API that counts its calls by action.
type Counted struct {
	api API

	mu     sync.Mutex
	counts map[string]Count
}

// NewCounted counts what passes through it to api.
func NewCounted(api API) *Counted { return &Counted{api: api, counts: map[string]Count{}} }

// Counts gives a copy of the counts so far, by the name of the action as SQS knows it.
func (c *Counted) Counts() map[string]Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.counts)
}

func (c *Counted) add(action string, calls, entries int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.counts[action]
	n.Calls += calls
	n.Entries += entries
	c.counts[action] = n
}

// GetQueueUrl implements API.
func (c *Counted) GetQueueUrl(ctx context.Context, in *awssqs.GetQueueUrlInput, o ...func(*awssqs.Options)) (*awssqs.GetQueueUrlOutput, error) {
	c.add("GetQueueUrl", 1, 0)
	return c.api.GetQueueUrl(ctx, in, o...)
}

// GetQueueAttributes implements API.
func (c *Counted) GetQueueAttributes(ctx context.Context, in *awssqs.GetQueueAttributesInput, o ...func(*awssqs.Options)) (*awssqs.GetQueueAttributesOutput, error) {
	c.add("GetQueueAttributes", 1, 0)
	return c.api.GetQueueAttributes(ctx, in, o...)
}

// ReceiveMessage implements API.
func (c *Counted) ReceiveMessage(ctx context.Context, in *awssqs.ReceiveMessageInput, o ...func(*awssqs.Options)) (*awssqs.ReceiveMessageOutput, error) {
	c.add("ReceiveMessage", 1, 0)
	out, err := c.api.ReceiveMessage(ctx, in, o...)
	if err == nil {
		c.add("ReceiveMessage", 0, len(out.Messages))
	}
	return out, err
}

// SendMessageBatch implements API.
func (c *Counted) SendMessageBatch(ctx context.Context, in *awssqs.SendMessageBatchInput, o ...func(*awssqs.Options)) (*awssqs.SendMessageBatchOutput, error) {
	c.add("SendMessageBatch", 1, len(in.Entries))
	return c.api.SendMessageBatch(ctx, in, o...)
}

// DeleteMessageBatch implements API.
func (c *Counted) DeleteMessageBatch(ctx context.Context, in *awssqs.DeleteMessageBatchInput, o ...func(*awssqs.Options)) (*awssqs.DeleteMessageBatchOutput, error) {
	c.add("DeleteMessageBatch", 1, len(in.Entries))
	return c.api.DeleteMessageBatch(ctx, in, o...)
}

// ChangeMessageVisibilityBatch implements API.
func (c *Counted) ChangeMessageVisibilityBatch(ctx context.Context, in *awssqs.ChangeMessageVisibilityBatchInput, o ...func(*awssqs.Options)) (*awssqs.ChangeMessageVisibilityBatchOutput, error) {
	c.add("ChangeMessageVisibilityBatch", 1, len(in.Entries))
	return c.api.ChangeMessageVisibilityBatch(ctx, in, o...)
}
