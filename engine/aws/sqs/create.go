package sqs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// MaxReceives is after how many deliveries of one message SQS moves it to the dead-letter queue by itself. It must be
// above the bound at which workers find a message to be poison (20), which keeps a letter that says why; this one only
// catches messages that end every process before it can count.
const MaxReceives = 50

// DeadSuffix ends the name of the dead-letter queue of a queue that Create made.
const DeadSuffix = "-dead"

// Settings are how a queue is set up. The zero Settings are no queue: begin with Work or Dead.
type Settings struct {
	Visibility      time.Duration // of a receive that names none; whole seconds
	Retention       time.Duration // whole seconds, up to 14 days
	ReceiveWait     time.Duration // of a receive that names none; whole seconds, up to 20
	MaxMessageBytes int
	MaxReceives     int // before a message moves to the dead-letter queue; 0: never
}

// Work is how the work queue is set up. Messages are kept for as long as SQS can.
func Work() Settings {
	return Settings{
		Visibility: time.Minute, Retention: 14 * 24 * time.Hour, ReceiveWait: pollWait, MaxMessageBytes: maxBatchBytes,
		MaxReceives: MaxReceives,
	}
}

// Dead is how its dead-letter queue is set up. A message keeps the time of its first enqueuing when it is moved.
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
func Dead() Settings {
	s := Work()
	s.MaxReceives = 0
	return s
}

// Attributes are the settings as SQS takes them. deadARN is needed, and used, if MaxReceives is set.
func (s Settings) Attributes(deadARN string) map[string]string {
	secs := func(d time.Duration) string { return strconv.Itoa(int(seconds(d))) }
	out := map[string]string{
		string(types.QueueAttributeNameVisibilityTimeout):             secs(s.Visibility),
		string(types.QueueAttributeNameMessageRetentionPeriod):        secs(s.Retention),
		string(types.QueueAttributeNameReceiveMessageWaitTimeSeconds): secs(s.ReceiveWait),
		string(types.QueueAttributeNameMaximumMessageSize):            strconv.Itoa(s.MaxMessageBytes),
	}
	if s.MaxReceives > 0 {
		policy, err := json.Marshal(struct {
			Target      string `json:"deadLetterTargetArn"`
			MaxReceives int    `json:"maxReceiveCount"`
		}{deadARN, s.MaxReceives})
		if err != nil {
			panic(err) // a text and a number can always be written
		}
		out[string(types.QueueAttributeNameRedrivePolicy)] = string(policy)
	}
	return out
}

// Create makes a work queue of each name and its dead-letter queue, the name with DeadSuffix. For stand-ins: what AWS
// needs besides (keys, policies, alarms) is in the stack. Safe to repeat.
//
// Errors: of SQS, with the name of the queue; a queue of that name with other settings is one.
func Create(ctx context.Context, api Admin, names ...string) error {
	var errs error
	for _, name := range names {
		if err := create(ctx, api, name); err != nil {
			errs = errors.Join(errs, fmt.Errorf("sqs: create %s: %w", name, err))
		}
	}
	return errs
}

func create(ctx context.Context, api Admin, name string) error {
	dead := name + DeadSuffix
	made, err := api.CreateQueue(ctx, &awssqs.CreateQueueInput{QueueName: &dead, Attributes: Dead().Attributes("")})
	if err != nil {
		return err
	}
	arn := types.QueueAttributeNameQueueArn
	about, err := api.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{
		QueueUrl: made.QueueUrl, AttributeNames: []types.QueueAttributeName{arn},
	})
	if err != nil {
		return err
	}
	_, err = api.CreateQueue(ctx, &awssqs.CreateQueueInput{
		QueueName: &name, Attributes: Work().Attributes(about.Attributes[string(arn)]),
	})
	return err
}
