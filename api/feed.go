package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/read"
)

const (
	maxWait = 30 // seconds
	// feedGap is the least time between two looks of one waiting reader: outcomes of other tenants wake it too.
	feedGap = 100 * time.Millisecond
	// feedPoll is how often a reader looks where the engine cannot wake it.
	feedPoll = 250 * time.Millisecond
)

var feedParams = []string{"after", "limit", "wait"}

// position is a place in the feed of one generation of the ledger.
type position struct {
	generation uint64
	pos        int64
	given      bool
}

// feed is GET /v1/events.
func (a *API) feed(x *exchange) error {
	q, err := parseQuery(x.r.URL.RawQuery, feedParams)
	if err != nil {
		return err
	}
	after := position{}
	if v, ok := q.get("after"); ok {
		if after, ok = parsePosition(v); !ok {
			q.bad("after", events.FieldSyntax, "give the next of the answer before")
		}
	}
	limit := q.integer("limit", read.DefaultLimit, 1, read.MaxLimit)
	wait := time.Duration(q.integer("wait", 0, 0, maxWait)) * time.Second
	if err := q.err(); err != nil {
		return err
	}
	feed, err := a.awaitFeed(x, after, limit, wait)
	if err != nil {
		return err
	}
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	if *b, err = a.appendFeed((*b)[:0], &feed); err != nil {
		return err
	}
	x.writeJSON(http.StatusOK, *b)
	return nil
}

// awaitFeed reads the feed, and waits up to wait for something to be in it.
func (a *API) awaitFeed(x *exchange, after position, limit int, wait time.Duration) (read.Feed, error) {
	feed, err := a.look(x.ctx, x.key.Tenant, after, limit)
	if err != nil || len(feed.Events) > 0 || wait == 0 || a.isDraining() {
		return feed, err
	}
	select {
	case a.waiters <- struct{}{}:
		defer func() { <-a.waiters }()
	default:
		return feed, nil
	}
	x.waited = true
	// The server's own bounds are for requests that do not wait.
	control := http.NewResponseController(x.w)
	_ = control.SetReadDeadline(time.Now().Add(wait + a.Timeout))
	_ = control.SetWriteDeadline(time.Now().Add(wait + a.Timeout))

	// x.ctx ends with the bound for one request's work, the request's own context with its caller.
	ctx := x.r.Context()
	end := time.NewTimer(wait)
	defer end.Stop()
	for {
		news := a.appended()
		if feed, err = a.look(ctx, x.key.Tenant, after, limit); err != nil || len(feed.Events) > 0 {
			return feed, err
		}
		after = position{feed.Generation, feed.Next, true}
		gap := time.NewTimer(feedGap)
		if news == nil {
			gap.Reset(feedPoll)
		}
		for waiting := true; waiting; {
			select {
			case <-news:
				news = nil
				waiting = gap != nil
			case <-tick(gap):
				gap = nil
				waiting = news != nil
			case <-end.C:
				return feed, nil
			case <-a.draining:
				return feed, nil
			case <-ctx.Done():
				return feed, ctx.Err()
			}
		}
	}
}

func tick(t *time.Timer) <-chan time.Time {
	if t == nil {
		return nil
	}
	return t.C
}

// appended is the engine's call for new outcomes; nil if it cannot tell.
func (a *API) appended() <-chan struct{} {
	if w, ok := a.Reader.(read.Waiter); ok {
		return w.Appended()
	}
	return nil
}

// look reads the feed once and refuses a position that does not exist any more.
func (a *API) look(ctx context.Context, tenant string, after position, limit int) (read.Feed, error) {
	ctx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	feed, err := a.Reader.Events(ctx, tenant, after.pos, limit)
	if err != nil {
		return read.Feed{}, err
	}
	if after.given && (after.generation != feed.Generation || after.pos < feed.Pruned) {
		return read.Feed{}, &problem{code: codeFeedPositionGone}
	}
	return feed, nil
}

func (a *API) appendFeed(b []byte, feed *read.Feed) ([]byte, error) {
	b = append(b, `{"object":"list","events":[`...)
	for i := range feed.Events {
		if i > 0 {
			b = append(b, ',')
		}
		event, err := feed.Events[i].Outcome.CloudEvent(a.Source)
		if err != nil {
			return b, fmt.Errorf("rendering the outcome at position %d: %w", feed.Events[i].Pos, err)
		}
		b = append(b, event...)
	}
	b = append(b, `],"next":"`...)
	b = strconv.AppendUint(b, feed.Generation, 10)
	b = append(b, '-')
	b = strconv.AppendInt(b, feed.Next, 10)
	return append(b, '"', '}'), nil
}

// parsePosition reads what appendFeed writes. "0" is the start of what is kept, as no position is.
func parsePosition(s string) (position, bool) {
	if s == "0" {
		return position{}, true
	}
	g, p, ok := strings.Cut(s, "-")
	if !ok || !isNumber(g) || !isNumber(p) {
		return position{}, false
	}
	generation, err := strconv.ParseUint(g, 10, 64)
	if err != nil {
		return position{}, false
	}
	pos, err := strconv.ParseInt(p, 10, 64)
	if err != nil {
		return position{}, false
	}
	return position{generation, pos, true}, true
}

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i]-'0' >= 10 {
			return false
		}
	}
	return s != "" && len(s) <= 19
}
