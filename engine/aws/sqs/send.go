package sqs

import (
	"context"
	"errors"
	"fmt"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/payonce/payonce/idempotency"
)

// outgoing is a message on its way.
type outgoing struct {
	body  string
	group string // empty: none
	delay int32  // seconds
}

// Send puts messages of a tenant on the queue. They are durable when it returns nil.
//
// Shape: any number, 0 included; calls of up to ten are shared with concurrent senders.
// Units: delays are rounded up to whole seconds, 0 to idempotency.MaxMessageDelay. An unknown tenant is empty.
// Errors: ErrLimit, and nothing was sent; *EntryError for a message that SQS refuses; *MissingError; queue.ErrClosed;
// ctx.Err(); what SQS says after Config.Patience. After any of these but ErrLimit some or all of the messages may be on
// the queue: sending again makes duplicates, which are harmless.
func (q *Queue) Send(ctx context.Context, messages []idempotency.Message, tenant string) error {
	if err := q.check(ctx); err != nil {
		return err
	}
	if len(messages) == 0 {
		return nil
	}
	group := Group(tenant)
	out := make([]outgoing, len(messages))
	for i, m := range messages {
		if m.Operation.IsZero() || m.Delay < 0 || m.Delay > idempotency.MaxMessageDelay {
			return fmt.Errorf("%w: sending %s with a delay of %s", ErrLimit, m.Operation, m.Delay)
		}
		out[i] = outgoing{body: body{Operation: m.Operation, Trace: m.Trace}.encode(), group: group, delay: seconds(m.Delay)}
	}
	return q.send(ctx, out...)
}

func (q *Queue) send(ctx context.Context, messages ...outgoing) error {
	entries, err := q.sends.put(ctx, messages...)
	if err != nil {
		return err
	}
	var errs error
	for _, e := range entries {
		if err := q.sends.wait(ctx, e); err != nil {
			if ctx.Err() != nil {
				errs = errors.Join(errs, err)
				continue // take the others back too
			}
			errs = errors.Join(errs, during("send", err))
		}
	}
	return errs
}

// sendBatch sends up to ten messages. One verdict per message.
func (q *Queue) sendBatch(ctx context.Context, messages []outgoing) []error {
	return q.each(ctx, len(messages), func(ctx context.Context, open []int) (batchAnswer, error) {
		in := &awssqs.SendMessageBatchInput{QueueUrl: &q.url}
		for _, i := range open {
			m := &messages[i]
			e := types.SendMessageBatchRequestEntry{Id: entryID(i), MessageBody: &m.body, DelaySeconds: m.delay}
			if m.group != "" {
				e.MessageGroupId = &m.group
			}
			in.Entries = append(in.Entries, e)
		}
		out, err := q.c.API.SendMessageBatch(ctx, in, once)
		if err != nil {
			return batchAnswer{}, err
		}
		return batchAnswer{
			taken:   ids(out.Successful, func(e types.SendMessageBatchResultEntry) *string { return e.Id }),
			refused: out.Failed,
		}, nil
	})
}
