package sqs

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// How calls are repeated: from pauseFirst doubling to pauseLongest, with jitter, for Config.Patience in all.
const (
	pauseFirst   = 100 * time.Millisecond
	pauseLongest = 5 * time.Second
	// callTimeout bounds one request; a long poll has its wait on top.
	callTimeout = 10 * time.Second
)

// again repeats do while its errors are temporary, until ctx ends or patience does. Each try has limit.
func (q *Queue) again(ctx context.Context, limit time.Duration, do func(ctx context.Context) error) error {
	pauses := backoff.NewExponentialBackOff(backoff.WithInitialInterval(pauseFirst), backoff.WithMaxInterval(pauseLongest),
		backoff.WithMultiplier(2), backoff.WithMaxElapsedTime(q.c.Patience))
	return backoff.Retry(func() error {
		try, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		err := do(try)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return backoff.Permanent(ctx.Err())
		case missingCodes[codeOf(err)]:
			return backoff.Permanent(&MissingError{Queue: q.name()})
		case !temporary(err):
			return backoff.Permanent(err)
		}
		return err
	}, backoff.WithContext(pauses, ctx))
}

// batchAnswer is what SQS says of a batch: the ids that it took and those that it refused.
type batchAnswer struct {
	taken   []string
	refused []types.BatchResultErrorEntry
}

// each runs a batch of n entries until each was taken or refused for good, repeating with only those that are left.
// call is given the numbers of those; an entry's id is its number. One verdict per entry.
func (q *Queue) each(ctx context.Context, n int, call func(ctx context.Context, open []int) (batchAnswer, error)) []error {
	verdicts := make([]error, n)
	open := make([]int, n)
	for i := range open {
		open[i] = i
		verdicts[i] = errUnanswered
	}
	err := q.again(ctx, callTimeout, func(ctx context.Context) error {
		answer, err := call(ctx, open)
		if err != nil {
			return err
		}
		for _, i := range open {
			verdicts[i] = errUnanswered
		}
		for _, id := range answer.taken {
			if i := number(&id, n); i >= 0 {
				verdicts[i] = nil
			}
		}
		for _, f := range answer.refused {
			if i := number(f.Id, n); i >= 0 {
				verdicts[i] = refusal(f)
			}
		}
		left := open[:0:0]
		for _, i := range open {
			if verdicts[i] != nil && temporary(verdicts[i]) {
				left = append(left, i)
				err = verdicts[i]
			}
		}
		open = left
		return err
	})
	if err != nil {
		for _, i := range open {
			verdicts[i] = err
		}
	}
	return verdicts
}

// entryID is the id of an entry within its batch.
func entryID(i int) *string {
	s := strconv.Itoa(i)
	return &s
}

func number(id *string, n int) int {
	if id == nil {
		return -1
	}
	i, err := strconv.Atoi(*id)
	if err != nil || i < 0 || i >= n {
		return -1
	}
	return i
}

// ids are the ids of the entries that a batch took.
func ids[E any](entries []E, id func(E) *string) []string {
	out := make([]string, 0, len(entries))
	for _, e := range entries {
		if s := id(e); s != nil {
			out = append(out, *s)
		}
	}
	return out
}

// seconds rounds up to what SQS can say.
func seconds(d time.Duration) int32 { return int32((d + time.Second - 1) / time.Second) }

// during names the action in an error of SQS.
func during(action string, err error) error { return fmt.Errorf("sqs: %s: %w", action, err) }
