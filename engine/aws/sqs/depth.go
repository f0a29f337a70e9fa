package sqs

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/payonce/payonce/queue"
)

// staleDepths is how many times DepthAge an answer is still given while the next one is fetched: nobody who accepts a
// payment waits for it.
const staleDepths = 5

// depthCache is the last answer and the question under way.
type depthCache struct {
	mu    sync.Mutex
	last  queue.Depth
	at    time.Time   // zero: never asked
	asked *depthAsked // nil: nobody asks
}

type depthAsked struct {
	done  chan struct{}
	depth queue.Depth
	err   error
}

// Depth is how much is there, as SQS approximates it: its counts are eventually right, about a minute after the last
// change at the latest. An answer is kept for Config.DepthAge, and given for a few times as long while SQS is asked anew.
//
// Oldest is the oldest message among those in hand and those that this process received in the last minute: SQS has no
// such attribute. It is zero if the queue seems empty, and also in a process that has not received lately.
// Errors: queue.ErrClosed; ctx.Err(); *MissingError; what SQS says after Config.Patience.
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
func (q *Queue) Depth(ctx context.Context) (queue.Depth, error) {
	if err := q.check(ctx); err != nil {
		return queue.Depth{}, err
	}
	now := q.c.Now()
	c := &q.depth
	c.mu.Lock()
	age := now.Sub(c.at)
	known := !c.at.IsZero() && age >= 0
	if known && age < q.c.DepthAge {
		defer c.mu.Unlock()
		return q.aged(c.last, now), nil
	}
	asked := c.asked
	if asked == nil {
		asked = &depthAsked{done: make(chan struct{})}
		c.asked = asked
		go q.askDepth(context.WithoutCancel(ctx), asked)
	}
	last := c.last
	c.mu.Unlock()
	if known && age < staleDepths*q.c.DepthAge {
		return q.aged(last, now), nil
	}
	select {
	case <-asked.done:
		if asked.err != nil {
			return queue.Depth{}, during("ask for the depth", asked.err)
		}
		return q.aged(asked.depth, now), nil
	case <-ctx.Done():
		return queue.Depth{}, ctx.Err()
	}
}

// aged adds what only this process knows.
func (q *Queue) aged(d queue.Depth, now time.Time) queue.Depth {
	if d.Waiting() > 0 {
		d.Oldest = q.hands.oldest(now)
	}
	return d
}

// askDepth asks SQS on behalf of all who wait. It ends with the queue.
func (q *Queue) askDepth(ctx context.Context, asked *depthAsked) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(q.life, cancel)() //nolint:contextcheck // it ends with either
	var out *awssqs.GetQueueAttributesOutput
	err := q.again(ctx, callTimeout, func(ctx context.Context) (err error) {
		out, err = q.c.API.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{
			QueueUrl: &q.url,
			AttributeNames: []types.QueueAttributeName{
				types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
				types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
			},
		}, once)
		return err
	})
	if err == nil {
		asked.depth, err = depthOf(out.Attributes)
	}
	if q.life.Err() != nil {
		err = queue.ErrClosed
	}
	asked.err = err
	c := &q.depth
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = nil
	if err == nil {
		c.last, c.at = asked.depth, q.c.Now()
	}
	close(asked.done)
}

func depthOf(attributes map[string]string) (d queue.Depth, err error) {
	for name, to := range map[types.QueueAttributeName]*int{
		types.QueueAttributeNameApproximateNumberOfMessages:           &d.Visible,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible: &d.InFlight,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed:    &d.Delayed,
	} {
		if *to, err = strconv.Atoi(attributes[string(name)]); err != nil {
			return queue.Depth{}, fmt.Errorf("%s is not a number: %w", name, err)
		}
	}
	return d, nil
}
