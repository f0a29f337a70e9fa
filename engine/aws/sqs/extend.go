package sqs

import (
	"context"
	"errors"
	"fmt"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/payonce/payonce/queue"
)

// Extend hides deliveries for visibility from now on, in one call.
//
// Shape: one verdict per receipt, in order: nil, queue.ErrStaleReceipt, or the error that left it undecided; then the
// second result is the first of those.
// Units: rounded up to whole seconds; cut, and in the end refused as stale, where it would hide a message for longer
// than 12 hours from its receive.
// A receipt is stale when its message was deleted, is being released, or was delivered again, as far as this process or
// SQS knows; SQS also refuses one whose visibility has ended.
// Errors: ErrLimit; queue.ErrClosed; ctx.Err(); *MissingError; what SQS says after Config.Patience.
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
func (q *Queue) Extend(ctx context.Context, receipts []queue.Receipt, visibility time.Duration) ([]error, error) {
	if len(receipts) > queue.MaxBatch || visibility <= 0 || visibility > queue.MaxVisibility {
		return nil, fmt.Errorf("%w: extending %d for %s", ErrLimit, len(receipts), visibility)
	}
	if err := q.check(ctx); err != nil {
		return nil, err
	}
	now := q.c.Now()
	verdicts := make([]error, len(receipts))
	type change struct {
		h    *hand
		secs int32
		at   int // its place among the receipts
	}
	var changes []change
	for i, r := range receipts {
		h, secs, err := q.hands.extend(r, visibility, now)
		if verdicts[i] = err; err == nil {
			changes = append(changes, change{h, secs, i})
		}
	}
	if len(changes) == 0 {
		return verdicts, nil
	}
	answers := q.each(ctx, len(changes), func(ctx context.Context, open []int) (batchAnswer, error) {
		in := &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url}
		for _, i := range open {
			in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
				Id: entryID(i), ReceiptHandle: &changes[i].h.handle, VisibilityTimeout: changes[i].secs,
			})
		}
		out, err := q.c.API.ChangeMessageVisibilityBatch(ctx, in, once)
		if err != nil {
			return batchAnswer{}, err
		}
		return batchAnswer{
			taken:   ids(out.Successful, func(e types.ChangeMessageVisibilityBatchResultEntry) *string { return e.Id }),
			refused: out.Failed,
		}, nil
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var undecided error
	for i, c := range changes {
		err := verdict(answers[i])
		verdicts[c.at] = err
		switch {
		case err == nil:
			q.hands.extended(c.h, now.Add(time.Duration(c.secs)*time.Second))
		case !errors.Is(err, queue.ErrStaleReceipt) && undecided == nil:
			undecided = during("extend", err)
		}
	}
	return verdicts, undecided
}
