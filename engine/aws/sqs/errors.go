package sqs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/payonce/payonce/queue"
)

// Errors of this package, beside those of package queue.
var (
	// ErrLimit: a call is outside of the limits that package queue and SQS set.
	ErrLimit = errors.New("outside of the limits of the queue")
	// ErrMissing is what *MissingError matches.
	ErrMissing = errors.New("the queue does not exist")
	// ErrConfig: a Config that no Queue can work with.
	ErrConfig = errors.New("the configuration of the queue is incomplete")
)

// MissingError names a queue that SQS does not know. Repeating does not help.
type MissingError struct {
	Queue string // its name, or its URL where no name is known
}

// Error names the queue and the remedy.
func (e *MissingError) Error() string {
	return fmt.Sprintf("SQS has no queue %q in this account and region: create it (on AWS with the stack in infra/, "+
		"against a stand-in with `payonce aws init`), or correct the configured name, region or endpoint", e.Queue)
}

// Is matches ErrMissing.
func (e *MissingError) Is(target error) bool { return target == ErrMissing }

// EntryError is how SQS refused one entry of a batch whose other entries may have been taken.
type EntryError struct {
	Code        string // as in the API reference, without a prefix
	Reason      string // SQS's sentence
	SenderFault bool   // it would be refused again
}

// Error gives the code and the sentence.
func (e *EntryError) Error() string {
	return fmt.Sprintf("SQS refused the entry: %s: %s", e.Code, e.Reason)
}

// errUnanswered: SQS answered a batch and left one of its entries out. Absence of an error is not a success.
var errUnanswered = errors.New("SQS did not say what became of the entry")

// Codes of the API, without their prefixes, by what follows from them.
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
var (
	// staleCodes: the handle is not of the latest delivery, the message is deleted or visible, or it was hidden for 12
	// hours. InvalidParameterValue is all that SQS says of an expired handle and of the 12 hours.
	staleCodes = map[string]bool{"ReceiptHandleIsInvalid": true, "MessageNotInflight": true, "InvalidParameterValue": true}
	// busyCodes are worth repeating although SQS does not count them as its own fault.
	busyCodes = map[string]bool{
		"KmsThrottled": true, "InternalError": true, "InternalFailure": true, "InternalServerError": true,
		"ServiceUnavailable": true, "RequestTimeout": true, "RequestTimeoutException": true,
	}
	missingCodes = map[string]bool{"QueueDoesNotExist": true, "NonExistentQueue": true}
)

// plain is a code without its prefix: of AWS.SimpleQueueService.NonExistentQueue and of
// com.amazonaws.sqs#QueueDoesNotExist what follows the last dot or #.
func plain(code string) string { return code[strings.LastIndexAny(code, ".#")+1:] }

func busy(code string) bool {
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	return throttled || busyCodes[code]
}

// codeOf is the code of a failed call, or empty if it was not SQS that failed it.
func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return plain(api.ErrorCode())
	}
	return ""
}

// temporary reports whether the same call may succeed later. A context that has ended is not looked at here.
func temporary(err error) bool {
	var entry *EntryError
	if errors.As(err, &entry) {
		return !entry.SenderFault || busy(entry.Code)
	}
	var api smithy.APIError
	if errors.As(err, &api) && (busy(plain(api.ErrorCode())) || api.ErrorFault() == smithy.FaultServer) {
		return true
	}
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil {
		return answer.HTTPStatusCode() >= http.StatusInternalServerError || answer.HTTPStatusCode() == http.StatusTooManyRequests
	}
	var unsent *smithyhttp.RequestSendError
	var cut *smithy.DeserializationError
	return errors.As(err, &unsent) || errors.As(err, &cut) || errors.Is(err, errUnanswered) ||
		errors.Is(err, context.DeadlineExceeded)
}

// refusal makes an error of what SQS says about an entry.
func refusal(f types.BatchResultErrorEntry) *EntryError {
	e := &EntryError{SenderFault: f.SenderFault}
	if f.Code != nil {
		e.Code = plain(*f.Code)
	}
	if f.Message != nil {
		e.Reason = *f.Message
	}
	return e
}

// verdict turns an error about a receipt into what the port says of it.
func verdict(err error) error {
	var entry *EntryError
	if errors.As(err, &entry) && staleCodes[entry.Code] {
		return queue.ErrStaleReceipt
	}
	return err
}
