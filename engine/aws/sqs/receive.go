package sqs

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/payonce/payonce/queue"
)

const (
	// pollWait is the longest wait that SQS offers, so that an idle queue costs three requests a minute.
	pollWait = 20 * time.Second
	// quickAnswer is how soon an empty answer comes at the earliest where the wait is honoured; where it is not, polls
	// are emptyPause apart.
	quickAnswer = 500 * time.Millisecond
	emptyPause  = 200 * time.Millisecond
	// keepTimeout bounds how long one unreadable message keeps a receiver.
	keepTimeout = 10 * time.Second
)

// Receive claims up to max visible messages and hides them for visibility. It polls until there is one, and asks SQS for
// no more than max.
//
// Units: visibility is rounded up to whole seconds, 1 s to queue.MaxVisibility.
// Errors: ErrLimit; queue.ErrClosed; ctx.Err(); *MissingError; what SQS says after Config.Patience. When too many
// messages are in flight (SQS allows 120,000), all receivers of this Queue rest for Config.Pause and go on.
// Messages that cannot be read go to Config.Unreadable and are not among the deliveries.
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
func (q *Queue) Receive(ctx context.Context, max int, visibility time.Duration) ([]queue.Delivery, error) {
	if max < 1 || max > queue.MaxBatch || visibility < time.Second || visibility > queue.MaxVisibility {
		return nil, fmt.Errorf("%w: receiving %d for %s", ErrLimit, max, visibility)
	}
	if err := q.check(ctx); err != nil {
		return nil, err
	}
	poll, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(q.life, cancel)() //nolint:contextcheck // it ends with either
	for {
		got, err := q.poll(poll, max, visibility)
		if len(got) > 0 {
			return got, nil // also if ctx ended meanwhile: they are hidden now, so somebody must have them
		}
		if err := q.check(ctx); err != nil {
			return nil, err
		}
		if err != nil {
			return nil, during("receive", err)
		}
	}
}

// poll waits out a rest and asks SQS once. No delivery and no error: ask again.
func (q *Queue) poll(ctx context.Context, most int, visibility time.Duration) ([]queue.Delivery, error) {
	q.mu.Lock()
	rest := q.rest.Sub(q.c.Now())
	q.mu.Unlock()
	if rest > 0 {
		return nil, sleep(ctx, min(rest, q.c.Pause))
	}
	in := &awssqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: int32(most), VisibilityTimeout: seconds(visibility),
		WaitTimeSeconds: int32(pollWait / time.Second),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameApproximateReceiveCount, types.MessageSystemAttributeNameSentTimestamp,
			types.MessageSystemAttributeNameMessageGroupId,
		},
	}
	var out *awssqs.ReceiveMessageOutput
	var asked time.Time
	err := q.again(ctx, pollWait+callTimeout, func(ctx context.Context) (err error) {
		asked = time.Now()
		out, err = q.c.API.ReceiveMessage(ctx, in, once)
		return err
	})
	switch {
	case err != nil && codeOf(err) == "OverLimit":
		q.mu.Lock()
		q.rest = q.c.Now().Add(q.c.Pause)
		q.mu.Unlock()
		q.c.Logger.Warn("too many messages are in flight, receiving rests", slog.String("queue", q.name()),
			slog.Duration("wait", q.c.Pause))
		return nil, nil
	case err != nil:
		return nil, err
	case len(out.Messages) == 0 && time.Since(asked) < quickAnswer:
		return nil, sleep(ctx, emptyPause)
	}
	return q.deliver(ctx, out.Messages, time.Duration(in.VisibilityTimeout)*time.Second), nil
}

// deliver takes messages in hand.
func (q *Queue) deliver(ctx context.Context, messages []types.Message, visibility time.Duration) []queue.Delivery {
	now := q.c.Now()
	got := make([]queue.Delivery, 0, len(messages))
	for i := range messages {
		m := &messages[i]
		h := &hand{
			handle: text(m.ReceiptHandle), message: text(m.MessageId), received: now, until: now.Add(visibility),
			group:   m.Attributes[string(types.MessageSystemAttributeNameMessageGroupId)],
			counted: max(1, attribute(m, types.MessageSystemAttributeNameApproximateReceiveCount, 1)),
		}
		sent := attribute(m, types.MessageSystemAttributeNameSentTimestamp, int(now.UnixMilli()))
		b, err := decode(text(m.Body))
		h.body = b
		h.enqueued = time.UnixMilli(int64(sent)).UTC()
		if b.EnqueuedMS != 0 {
			h.enqueued = time.UnixMilli(b.EnqueuedMS).UTC()
		}
		q.hands.take(h)
		if err != nil {
			q.keep(ctx, h, text(m.Body))
			continue
		}
		got = append(got, queue.Delivery{
			Receipt: h.receipt, Operation: b.Operation, Trace: b.Trace, Receives: h.receives(), Enqueued: h.enqueued,
		})
	}
	return got
}

// keep hands an unreadable message over and deletes it once it is kept.
func (q *Queue) keep(ctx context.Context, h *hand, body string) {
	// It is in hand: the end of the receive is no reason to leave it lying.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
	defer cancel()
	err := q.c.Unreadable(ctx, body, h.message)
	if err == nil {
		_, err = q.Delete(ctx, []queue.Receipt{h.receipt})
	}
	if err != nil {
		q.c.Logger.Error("an unreadable message was not kept and will come again", slog.String("queue", q.name()),
			slog.String("message", h.message), slog.String("error", err.Error()))
		return
	}
	q.c.Logger.Warn("an unreadable message was kept and deleted", slog.String("queue", q.name()),
		slog.String("message", h.message))
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func attribute(m *types.Message, name types.MessageSystemAttributeName, otherwise int) int {
	n, err := strconv.Atoi(m.Attributes[string(name)])
	if err != nil {
		return otherwise
	}
	return n
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
