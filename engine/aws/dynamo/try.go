package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/cenkalti/backoff/v4"
)

// verdict is what an error says about another try.
type verdict uint8

const (
	definite  verdict = iota // another try would end the same way
	unapplied                // nothing was written: try again
	unknown                  // it may have been written: try again, and expect to meet it
)

// try makes a call until it ends in success or a definite error, as often as the configuration allows and ctx lasts.
// inDoubt tells that an earlier try of the call may have taken effect.
func (l *Ledger) try(ctx context.Context, what string, call func(context.Context) error) (inDoubt bool, err error) {
	delays := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(l.config.FirstDelay), backoff.WithMultiplier(2), backoff.WithRandomizationFactor(0),
		backoff.WithMaxInterval(l.config.MaxDelay), backoff.WithMaxElapsedTime(0),
	)
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return inDoubt, fmt.Errorf("%s: %w", what, err)
		}
		lost, err := l.tryOnce(ctx, call)
		if err == nil {
			return inDoubt, nil
		}
		if done := ctx.Err(); done != nil {
			return inDoubt, fmt.Errorf("%s: %w: %w", what, done, err)
		}
		v := judge(err)
		if lost {
			v = unknown
		}
		switch v {
		case definite:
			return inDoubt, explain(what, err)
		case unknown:
			inDoubt = true
		case unapplied:
		}
		if n >= l.config.Tries {
			return inDoubt, fmt.Errorf("%s: given up after %d tries: %w", what, n, err)
		}
		// Full jitter: those that have met each other once shall not meet again.
		if err := wait(ctx, time.Duration(float64(delays.NextBackOff())*l.config.Jitter())); err != nil {
			return inDoubt, fmt.Errorf("%s: %w", what, err)
		}
	}
}

// tryOnce makes the call once. lost tells that its own time was up before an answer came.
func (l *Ledger) tryOnce(ctx context.Context, call func(context.Context) error) (lost bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.config.TryTimeout)
	defer cancel()
	err = call(ctx)
	return err != nil && ctx.Err() != nil, err
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// throttles are refusals that come before anything is written.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
var throttles = retry.RetryableErrorCode{Codes: map[string]struct{}{
	"ProvisionedThroughputExceededException": {}, "RequestLimitExceeded": {}, "ThrottlingException": {},
	"Throttling": {}, "TransactionConflictException": {}, "LimitExceededException": {},
}}

// failures are the service's own; the SDK goes by their HTTP status only.
var failures = retry.RetryableErrorCode{Codes: map[string]struct{}{
	"InternalServerError": {}, "InternalFailure": {}, "ServiceUnavailable": {},
}}

// retryables is what the SDK itself would try again.
var retryables = retry.IsErrorRetryables(append([]retry.IsErrorRetryable{failures}, retry.DefaultRetryables...))

func judge(err error) verdict {
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		return judgeReasons(canceled.CancellationReasons)
	}
	var garbled *smithy.DeserializationError
	switch {
	case throttles.IsErrorRetryable(err).Bool():
		return unapplied
	case retryables.IsErrorRetryable(err).Bool() || errors.As(err, &garbled):
		return unknown
	}
	return definite
}

// The codes of reasons for which a transaction is canceled.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
const (
	reasonCondition = "ConditionalCheckFailed"
	reasonConflict  = "TransactionConflict"
	reasonThrottle  = "ThrottlingError"
	reasonProvision = "ProvisionedThroughputExceeded"
)

// judgeReasons: the first item's own refusal is an answer whatever became of the others; else a conflict or a lack of
// throughput hides what the item would have answered.
func judgeReasons(reasons []types.CancellationReason) verdict {
	for i, r := range reasons {
		switch code(r) {
		case reasonCondition:
			if i == 0 {
				return definite
			}
		case reasonConflict, reasonThrottle, reasonProvision:
			return unapplied
		}
	}
	return definite
}

func code(r types.CancellationReason) string {
	if r.Code == nil {
		return ""
	}
	return *r.Code
}

// explain says what an operator does about an error that more tries do not mend.
func explain(what string, err error) error {
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return fmt.Errorf("%s: %w: %w", what, ErrNoTable, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
