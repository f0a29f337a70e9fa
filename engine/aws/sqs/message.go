package sqs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/payonce/payonce/events"
)

// MaxBody is the longest body of a message that is sent, in bytes.
const MaxBody = 200

// maxTrace is the longest trace that goes along; a W3C traceparent has 55 bytes. A longer one is left out: nothing
// depends on it.
// Source: https://www.w3.org/TR/trace-context/#traceparent-header
const maxTrace = 64

// errUnreadable: a body that is not a work message.
var errUnreadable = errors.New("the message does not name an operation")

// body is a message as it travels. Members that are not known are ignored, so that an older process can work what a
// newer one sends.
type body struct {
	Operation events.ID `json:"operation"`
	Trace     string    `json:"trace,omitzero"`
	// Of a message that replaces a released one: when the first was put on the queue, and the deliveries that count
	// against it so far.
	EnqueuedMS int64 `json:"enqueued_ms,omitzero"`
	Receives   int   `json:"receives,omitzero"`
}

func (b body) encode() string {
	if len(b.Trace) > maxTrace || !plainText(b.Trace) {
		b.Trace = ""
	}
	text, err := json.Marshal(b)
	if err != nil {
		panic(err) // a struct of text and numbers can always be written
	}
	return string(text)
}

// plainText reports whether each character is one byte in JSON, so that the longest trace is no longer there.
func plainText(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= utf8.RuneSelf || s[i] == '"' || s[i] == '\\' {
			return false
		}
	}
	return true
}

// maxCarried bounds what is believed of a message about itself; workers give up long before.
const maxCarried = 1_000_000

// decode reads what encode writes. errUnreadable if the message names no operation; the other members only inform, so
// an impossible value is left out.
func decode(text string) (body, error) {
	var b body
	if err := json.Unmarshal([]byte(text), &b); err != nil || b.Operation.IsZero() {
		return body{}, errUnreadable
	}
	if b.Receives < 0 || b.Receives > maxCarried {
		b.Receives = 0
	}
	if b.EnqueuedMS < 0 || b.EnqueuedMS > time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() {
		b.EnqueuedMS = 0
	}
	if len(b.Trace) > maxTrace || !plainText(b.Trace) {
		b.Trace = ""
	}
	return b, nil
}

// maxGroup is the longest MessageGroupId.
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const maxGroup = 128

// Group is the message group of a tenant: its name where SQS allows that as a group, else ~ and the hexadecimal SHA-256
// of it. Two tenants never share one. Empty, which means no group, for an unknown tenant.
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagegroupid-property.html
func Group(tenant string) string {
	fits := len(tenant) <= maxGroup
	for i := range len(tenant) {
		// ASCII letters, digits and punctuation; ~ leads the names that were hashed.
		fits = fits && tenant[i] > ' ' && tenant[i] < '~'
	}
	if fits {
		return tenant
	}
	sum := sha256.Sum256([]byte(tenant))
	return "~" + hex.EncodeToString(sum[:])
}
