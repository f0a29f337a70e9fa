package sqs_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/payonce/payonce/engine/aws/sqs"
)

// fake is SQS in memory, as far as this package uses it, with the traits that make it what it is: entries that fail
// alone, calls that fail, handles of which only the latest counts, and a delete by an older one that succeeds and does
// nothing. Safe for concurrent use.
type fake struct {
	now func() time.Time
	// lag is how long a call takes.
	lag time.Duration
	// before, if set, is asked before each call: its error is the call's, and nothing happens.
	before func(action string) error
	// after is asked after each call has taken effect: its error is what the caller sees.
	after func(action string) error
	// entry is asked for each entry of a batch: what it returns refuses that entry.
	entry func(action string, n int) *types.BatchResultErrorEntry

	mu       sync.Mutex
	messages []*stored
	nextID   int
	changed  chan struct{}
	batches  map[string][]int // entries of each batch
	asked    []int32          // MaxNumberOfMessages of each receive
	groups   []string         // of each message sent
	bodies   []string
}

type stored struct {
	id, body, group string
	sent            time.Time
	visible         time.Time // from then on
	delayed         bool
	receives        int
	handle          string
}

var _ sqs.Admin = (*fake)(nil)

func newFake(now func() time.Time) *fake {
	return &fake{now: now, changed: make(chan struct{}), batches: map[string][]int{}}
}

func (f *fake) poke() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.signal()
}

func (f *fake) signal() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// call brackets an action.
func (f *fake) call(ctx context.Context, action string, do func()) error {
	if f.lag > 0 {
		t := time.NewTimer(f.lag)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if f.before != nil {
		if err := f.before(action); err != nil {
			return err
		}
	}
	f.mu.Lock()
	do()
	f.mu.Unlock()
	if f.after != nil {
		return f.after(action)
	}
	return nil
}

// batch runs the entries of a batch.
func (f *fake) batch(ctx context.Context, action string, n int, do func(i int) (code string)) (refused map[int]types.BatchResultErrorEntry, err error) {
	if n < 1 || n > 10 {
		return nil, &types.TooManyEntriesInBatchRequest{}
	}
	refused = map[int]types.BatchResultErrorEntry{}
	err = f.call(ctx, action, func() {
		f.batches[action] = append(f.batches[action], n)
		for i := range n {
			if f.entry != nil {
				if e := f.entry(action, i); e != nil {
					refused[i] = *e
					continue
				}
			}
			if code := do(i); code != "" {
				refused[i] = types.BatchResultErrorEntry{Code: &code, SenderFault: true}
			}
		}
		f.signal()
	})
	return refused, err
}

func (f *fake) GetQueueUrl(ctx context.Context, in *awssqs.GetQueueUrlInput, _ ...func(*awssqs.Options)) (*awssqs.GetQueueUrlOutput, error) {
	url := "https://sqs.example/" + *in.QueueName
	return &awssqs.GetQueueUrlOutput{QueueUrl: &url}, f.call(ctx, "GetQueueUrl", func() {})
}

func (f *fake) CreateQueue(ctx context.Context, in *awssqs.CreateQueueInput, _ ...func(*awssqs.Options)) (*awssqs.CreateQueueOutput, error) {
	url := "https://sqs.example/" + *in.QueueName
	return &awssqs.CreateQueueOutput{QueueUrl: &url}, f.call(ctx, "CreateQueue "+*in.QueueName+" "+in.Attributes["RedrivePolicy"], func() {})
}

func (f *fake) GetQueueAttributes(ctx context.Context, in *awssqs.GetQueueAttributesInput, _ ...func(*awssqs.Options)) (*awssqs.GetQueueAttributesOutput, error) {
	out := &awssqs.GetQueueAttributesOutput{Attributes: map[string]string{}}
	err := f.call(ctx, "GetQueueAttributes", func() {
		visible, hidden, delayed := 0, 0, 0
		for _, m := range f.messages {
			switch {
			case !m.visible.After(f.now()):
				visible++
			case m.delayed:
				delayed++
			default:
				hidden++
			}
		}
		out.Attributes["ApproximateNumberOfMessages"] = strconv.Itoa(visible)
		out.Attributes["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(hidden)
		out.Attributes["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(delayed)
		out.Attributes["QueueArn"] = "arn:aws:sqs:eu-central-1:000000000000:" + (*in.QueueUrl)[strings.LastIndexByte(*in.QueueUrl, '/')+1:]
	})
	return out, err
}

func (f *fake) ReceiveMessage(ctx context.Context, in *awssqs.ReceiveMessageInput, _ ...func(*awssqs.Options)) (*awssqs.ReceiveMessageOutput, error) {
	deadline := time.NewTimer(time.Duration(in.WaitTimeSeconds) * time.Second)
	defer deadline.Stop()
	out := &awssqs.ReceiveMessageOutput{}
	f.mu.Lock()
	f.asked = append(f.asked, in.MaxNumberOfMessages)
	f.mu.Unlock()
	for {
		var changed chan struct{}
		var next time.Duration
		if err := f.call(ctx, "ReceiveMessage", func() {
			out.Messages, next = f.receive(in)
			changed = f.changed
		}); err != nil || len(out.Messages) > 0 {
			return out, err
		}
		var soon <-chan time.Time
		if next > 0 {
			t := time.NewTimer(next)
			defer t.Stop()
			soon = t.C
		}
		select {
		case <-changed:
		case <-soon:
		case <-deadline.C:
			return out, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *fake) receive(in *awssqs.ReceiveMessageInput) (out []types.Message, next time.Duration) {
	now := f.now()
	for _, m := range f.messages {
		if d := m.visible.Sub(now); d > 0 {
			if next == 0 || d < next {
				next = d
			}
			continue
		}
		if len(out) == int(in.MaxNumberOfMessages) {
			break
		}
		m.receives++
		m.delayed = false
		m.visible = now.Add(time.Duration(in.VisibilityTimeout) * time.Second)
		m.handle = m.id + "#" + strconv.Itoa(m.receives)
		handle, id, body := m.handle, m.id, m.body
		out = append(out, types.Message{MessageId: &id, Body: &body, ReceiptHandle: &handle, Attributes: map[string]string{
			"ApproximateReceiveCount": strconv.Itoa(m.receives),
			"SentTimestamp":           strconv.FormatInt(m.sent.UnixMilli(), 10),
			"MessageGroupId":          m.group,
		}})
	}
	return out, next
}

func (f *fake) SendMessageBatch(ctx context.Context, in *awssqs.SendMessageBatchInput, _ ...func(*awssqs.Options)) (*awssqs.SendMessageBatchOutput, error) {
	refused, err := f.batch(ctx, "SendMessageBatch", len(in.Entries), func(i int) string {
		e := in.Entries[i]
		group := ""
		if e.MessageGroupId != nil {
			group = *e.MessageGroupId
		}
		f.put(*e.MessageBody, group, time.Duration(e.DelaySeconds)*time.Second)
		return ""
	})
	if err != nil {
		return nil, err
	}
	out := &awssqs.SendMessageBatchOutput{}
	for i, e := range in.Entries {
		if r, no := refused[i]; no {
			r.Id = e.Id
			out.Failed = append(out.Failed, r)
		} else {
			out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id})
		}
	}
	return out, nil
}

// put stores a message. Locked.
func (f *fake) put(body, group string, delay time.Duration) {
	f.nextID++
	f.groups = append(f.groups, group)
	f.bodies = append(f.bodies, body)
	f.messages = append(f.messages, &stored{
		id: strconv.Itoa(f.nextID), body: body, group: group, sent: f.now(), visible: f.now().Add(delay), delayed: delay > 0,
	})
}

// byHandle finds a message by the message that a handle names, and says whether it is of the latest delivery.
func (f *fake) byHandle(handle string) (i int, latest bool) {
	id, _, _ := strings.Cut(handle, "#")
	for i, m := range f.messages {
		if m.id == id {
			return i, m.handle == handle
		}
	}
	return -1, false
}

func (f *fake) DeleteMessageBatch(ctx context.Context, in *awssqs.DeleteMessageBatchInput, _ ...func(*awssqs.Options)) (*awssqs.DeleteMessageBatchOutput, error) {
	refused, err := f.batch(ctx, "DeleteMessageBatch", len(in.Entries), func(i int) string {
		if at, latest := f.byHandle(*in.Entries[i].ReceiptHandle); latest {
			f.messages = append(f.messages[:at], f.messages[at+1:]...)
		}
		return ""
	})
	if err != nil {
		return nil, err
	}
	out := &awssqs.DeleteMessageBatchOutput{}
	for i, e := range in.Entries {
		if r, no := refused[i]; no {
			r.Id = e.Id
			out.Failed = append(out.Failed, r)
		} else {
			out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: e.Id})
		}
	}
	return out, nil
}

func (f *fake) ChangeMessageVisibilityBatch(ctx context.Context, in *awssqs.ChangeMessageVisibilityBatchInput, _ ...func(*awssqs.Options)) (*awssqs.ChangeMessageVisibilityBatchOutput, error) {
	refused, err := f.batch(ctx, "ChangeMessageVisibilityBatch", len(in.Entries), func(i int) string {
		e := in.Entries[i]
		at, latest := f.byHandle(*e.ReceiptHandle)
		switch {
		case at < 0:
			return "InvalidParameterValue"
		case !latest || !f.messages[at].visible.After(f.now()):
			return "AWS.SimpleQueueService.MessageNotInflight"
		}
		f.messages[at].visible = f.now().Add(time.Duration(e.VisibilityTimeout) * time.Second)
		return ""
	})
	if err != nil {
		return nil, err
	}
	out := &awssqs.ChangeMessageVisibilityBatchOutput{}
	for i, e := range in.Entries {
		if r, no := refused[i]; no {
			r.Id = e.Id
			out.Failed = append(out.Failed, r)
		} else {
			out.Successful = append(out.Successful, types.ChangeMessageVisibilityBatchResultEntry{Id: e.Id})
		}
	}
	return out, nil
}

// inside puts a message there that this package did not write.
func (f *fake) inside(body string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.put(body, "", 0)
	f.signal()
}

func (f *fake) left() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.messages)
}

func (f *fake) sizes(action string) []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]int(nil), f.batches[action]...)
}

var errCut = errors.New("the connection was cut")
