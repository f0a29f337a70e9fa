package sqs

import (
	"context"
	"errors"
	"fmt"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/payonce/payonce/queue"
)

// Delete takes deliveries off the queue for good; it returns when SQS has said so of each. Calls of up to ten are shared
// with concurrent callers.
//
// Shape: one verdict per receipt, in order: nil, queue.ErrStaleReceipt, or the error that left it undecided; then the
// second result is the first of those. Deleting again what this process deleted lately is a success.
// A receipt whose message was delivered again in this process is stale, and so is one that SQS refuses. That another
// process received the message meanwhile is not always known: SQS may take the older handle and delete nothing, and the
// other process then deletes it; which of the two may settle the payment is for the ledger's fence to say.
// Errors: ErrLimit; queue.ErrClosed; ctx.Err(), and the deletes go on; *MissingError; what SQS says after Config.Patience.
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
func (q *Queue) Delete(ctx context.Context, receipts []queue.Receipt) ([]error, error) {
	if len(receipts) > queue.MaxBatch {
		return nil, fmt.Errorf("%w: deleting %d", ErrLimit, len(receipts))
	}
	if err := q.check(ctx); err != nil {
		return nil, err
	}
	verdicts := make([]error, len(receipts))
	exits := make([]*departure, len(receipts))
	var leaving []*hand
	for i, r := range receipts {
		h, exit, err := q.hands.leave(r)
		verdicts[i], exits[i] = err, exit
		if h != nil {
			leaving = append(leaving, h)
		}
	}
	if len(leaving) > 0 {
		if _, err := q.deletes.put(ctx, leaving...); err != nil {
			for _, h := range leaving {
				q.hands.left(h, false, err)
			}
		}
	}
	var undecided error
	for i, exit := range exits {
		if exit == nil {
			continue
		}
		select {
		case <-exit.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		verdicts[i] = exit.err
		if exit.err != nil && !errors.Is(exit.err, queue.ErrStaleReceipt) && undecided == nil {
			undecided = during("delete", exit.err)
		}
	}
	return verdicts, undecided
}

// deleteBatch deletes up to ten messages and ends their departures.
func (q *Queue) deleteBatch(ctx context.Context, batch []*hand) []error {
	verdicts := q.each(ctx, len(batch), func(ctx context.Context, open []int) (batchAnswer, error) {
		in := &awssqs.DeleteMessageBatchInput{QueueUrl: &q.url}
		for _, i := range open {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: entryID(i), ReceiptHandle: &batch[i].handle})
		}
		out, err := q.c.API.DeleteMessageBatch(ctx, in, once)
		if err != nil {
			return batchAnswer{}, err
		}
		return batchAnswer{
			taken:   ids(out.Successful, func(e types.DeleteMessageBatchResultEntry) *string { return e.Id }),
			refused: out.Failed,
		}, nil
	})
	for i, h := range batch {
		err := verdict(verdicts[i])
		verdicts[i] = err
		if h.exit.release {
			q.released(h, err)
			continue
		}
		q.hands.left(h, err == nil || errors.Is(err, queue.ErrStaleReceipt), err)
	}
	return verdicts
}
