package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// MaxWait is the longest that the server waits for an event.
const MaxWait = 30 * time.Second

// Events reads one piece of the feed of outcomes: up to limit events (0: the server's default) after a position, oldest
// first. An empty position is the oldest event that is kept. If there is none the server waits up to wait, whole
// seconds, at most MaxWait.
// Errors: *Problem, with CodeFeedPositionGone when the position is too old or from before a restore: read again from
// the empty position and drop the events whose ID you have.
func (c *Client) Events(ctx context.Context, after FeedPosition, limit int, wait time.Duration) (*EventList, error) {
	q := url.Values{}
	if after != "" {
		q.Set("after", after)
	}
	if limit != 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	wait = min(max(wait, 0), MaxWait).Truncate(time.Second)
	if wait > 0 {
		q.Set("wait", strconv.Itoa(int(wait/time.Second)))
	}
	var list EventList
	if err := c.do(ctx, call{method: http.MethodGet, path: "/v1/events", query: q, wait: wait}, &list); err != nil {
		return nil, err
	}
	return &list, nil
}

// Feed follows the outcomes from a position on, for ever: each step is a piece with at least one event. Store its Next
// together with what you made of its events, and begin there after a restart; then no outcome is left out. One may come
// twice, with the same ID. It ends with the first error, ctx's included; short failures of the network or the server
// are tried again by themselves.
func (c *Client) Feed(ctx context.Context, after FeedPosition) iter.Seq2[*EventList, error] {
	return func(yield func(*EventList, error) bool) {
		const largest = 100
		for {
			list, err := c.Events(ctx, after, largest, MaxWait)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(list.Events) > 0 && !yield(list, nil) {
				return
			}
			if after == list.Next && len(list.Events) == 0 {
				// The server may answer a waiting reader at once, when it ends or too many wait.
				if err := c.pause(ctx, emptyPause); err != nil {
					yield(nil, err)
					return
				}
			}
			after = list.Next
		}
	}
}

const (
	emptyPause = 250 * time.Millisecond
	watchFirst = 250 * time.Millisecond
	watchMost  = 5 * time.Second
)

// Watch reads a payment again and again, from every 250 ms down to every 5 s, and yields it when it has changed: first as
// it is now, last in a final state. It ends there, or with the first error.
func (c *Client) Watch(ctx context.Context, id PaymentID) iter.Seq2[*Payment, error] {
	return func(yield func(*Payment, error) bool) {
		var last *Payment
		for pause := watchFirst; ; {
			p, err := c.Get(ctx, id)
			if err != nil {
				yield(nil, err)
				return
			}
			if last == nil || last.State != p.State || !last.UpdatedAt.Equal(p.UpdatedAt) {
				pause = watchFirst
				if !yield(p, nil) || p.State.Final() {
					return
				}
			}
			last = p
			if err := c.pause(ctx, pause); err != nil {
				yield(nil, err)
				return
			}
			pause = min(pause*2, watchMost)
		}
	}
}

func (c *Client) pause(ctx context.Context, d time.Duration) error {
	select {
	case <-c.sleep(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
