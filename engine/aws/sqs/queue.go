package sqs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/payonce/payonce/queue"
)

var _ queue.Consumer = (*Queue)(nil)

// Config of a Queue. API, Unreadable and one of Queue and URL are required; the rest has defaults.
type Config struct {
	// API is the client. Its own retries are off in the calls made here.
	API API
	// Queue is the queue's name, in the client's account and region. Open asks SQS for its URL.
	Queue string
	// URL, if set, is the queue's URL, and SQS is not asked for it. Its host is never dialled.
	URL string
	// Unreadable keeps, durably, a message that does not name an operation: its body as it came and SQS's id of it. The
	// message is deleted once this returns nil; otherwise it comes again when its visibility ends, and in the end SQS
	// moves it to the dead-letter queue. It may be called more than once for one message, and by several goroutines.
	Unreadable func(ctx context.Context, body, id string) error

	// SendLinger is how long a send waits for others to share its call while one is under way. Default 2 ms; negative: 0.
	SendLinger time.Duration
	// DeleteLinger is how long a delete waits for others while this process holds other messages. Nothing waits for a
	// delete but a worker's place: at 100 payments a second 100 ms cost 64 workers 4 % of their pace and save two of three
	// deletes, and as many receives, since places come free together. Default 100 ms; negative: 0.
	DeleteLinger time.Duration
	// Lanes is how many calls to send, and how many to delete, are under way at once. Default 4, which is about 5,000
	// messages a second at 8 ms a call.
	Lanes int
	// Patience is for how long a call is repeated while SQS throttles, fails or cannot be reached. Default 15 s.
	Patience time.Duration
	// DepthAge is how old Depth may be. Default 1 s; negative: 0.
	DepthAge time.Duration
	// Pause is how long receiving rests after SQS said that too many messages are in flight. Default 5 s.
	Pause time.Duration

	Now    func() time.Time // default time.Now
	Logger *slog.Logger     // nil: none
}

// Queue is one standard queue of SQS. Safe for concurrent use.
type Queue struct {
	c       Config
	url     string
	hands   *hands
	sends   *batcher[outgoing]
	deletes *batcher[*hand]
	depth   depthCache

	life context.Context //nolint:containedctx // ends with Close, and every poll with it
	end  context.CancelFunc

	mu   sync.Mutex
	rest time.Time // nothing is received until then: too many messages are in flight
}

// Open finds the queue. Errors: ErrConfig; *MissingError; ctx.Err(); what SQS says, after Patience. Nothing runs in the
// background of an open Queue that no call has started.
func Open(ctx context.Context, c Config) (*Queue, error) {
	if c.API == nil || c.Unreadable == nil || c.Queue == "" && c.URL == "" {
		return nil, fmt.Errorf("%w: a client, the queue's name or URL, and a keeper of unreadable messages are required", ErrConfig)
	}
	def := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
		*d = max(*d, 0)
	}
	def(&c.SendLinger, 2*time.Millisecond)
	def(&c.DeleteLinger, 100*time.Millisecond)
	def(&c.DepthAge, time.Second)
	if c.Patience <= 0 {
		c.Patience = 15 * time.Second
	}
	if c.Pause <= 0 {
		c.Pause = 5 * time.Second
	}
	if c.Lanes <= 0 {
		c.Lanes = 4
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	q := &Queue{c: c, url: c.URL, hands: newHands()}
	if q.url == "" {
		err := q.again(ctx, callTimeout, func(ctx context.Context) error {
			out, err := c.API.GetQueueUrl(ctx, &awssqs.GetQueueUrlInput{QueueName: &c.Queue}, once)
			if err == nil && out.QueueUrl != nil {
				q.url = *out.QueueUrl
			}
			return err
		})
		if err != nil {
			return nil, during("find the queue", err)
		}
		if q.url == "" {
			return nil, during("find the queue", errors.New("the answer has no URL"))
		}
	}
	q.life, q.end = context.WithCancel(context.WithoutCancel(ctx))
	q.sends = newBatcher(&batcher[outgoing]{
		run: q.sendBatch, size: func(m outgoing) int { return len(m.body) }, linger: c.SendLinger, lanes: c.Lanes,
		alone: func(_, underWay int) bool { return underWay == 0 },
	})
	q.deletes = newBatcher(&batcher[*hand]{
		run: q.deleteBatch, size: func(*hand) int { return 0 }, linger: c.DeleteLinger, lanes: c.Lanes,
		// Whatever else is in hand here will be deleted or released before long.
		alone: func(waiting, underWay int) bool { return q.hands.held() <= waiting+underWay },
	})
	return q, nil
}

// Close ends the polls with ErrClosed, lets what was handed over be sent and deleted, and waits for that, for Patience
// and one call at most. Closing twice does nothing.
func (q *Queue) Close() error {
	q.end()
	q.sends.close()
	q.deletes.close()
	q.depth.mu.Lock()
	asked := q.depth.asked
	q.depth.mu.Unlock()
	if asked != nil {
		<-asked.done
	}
	return nil
}

// name is the queue as its operators know it.
func (q *Queue) name() string {
	if q.c.Queue != "" {
		return q.c.Queue
	}
	return q.c.URL
}

// check refuses calls on a closed queue or with a context that has ended.
func (q *Queue) check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if q.life.Err() != nil {
		return queue.ErrClosed
	}
	return nil
}
