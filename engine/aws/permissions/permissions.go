package permissions

import (
	"slices"
	"strings"
)

// Process is a kind of payonce process. Each has a role of its own.
type Process string

// The kinds of process.
const (
	API       Process = "api"       // accepts, reads, cancels
	Worker    Process = "worker"    // charges and settles
	Janitor   Process = "janitor"   // brings back what is due, reads inbound queues, collects dead letters
	Inspector Process = "inspector" // operators' console and commands, doctor
	Migrate   Process = "migrate"   // export and import between engines; runs for hours, then never
)

// Processes are all kinds, in the order of a payment's life.
func Processes() []Process { return []Process{API, Worker, Janitor, Inspector, Migrate} }

// Resource is a kind of resource in the stack.
type Resource string

// The kinds of resource. Inbound and InboundDLQ stand for the queues of all tenants.
const (
	Table      Resource = "table"
	Index      Resource = "index"
	Stream     Resource = "stream"
	Work       Resource = "work"
	WorkDLQ    Resource = "work-dlq"
	Inbound    Resource = "inbound"
	InboundDLQ Resource = "inbound-dlq"
	TableKey   Resource = "table-key"
	QueueKey   Resource = "queue-key"
	InboundKey Resource = "inbound-key"
)

// Key is the KMS key that the resource is encrypted with, or "" for a key.
func (r Resource) Key() Resource {
	switch r {
	case Table, Index, Stream:
		return TableKey
	case Work, WorkDLQ:
		return QueueKey
	case Inbound, InboundDLQ:
		return InboundKey
	case TableKey, QueueKey, InboundKey:
		return ""
	}
	return ""
}

// Permission lets a process do one thing to one kind of resource.
type Permission struct {
	Action   string   `json:"action"` // as IAM names it: "sqs:SendMessage"
	Resource Resource `json:"resource"`
	Why      string   `json:"why"`
	// Via is the service in whose requests alone a key may be used ("sqs", "dynamodb"); empty except for keys.
	Via string `json:"via,omitempty"`
}

// keyUse says what a caller needs from the key of a resource for a service to do an action for it. SQS makes a data key
// for a sender and opens it again to check it, and opens it for a receiver; DynamoDB opens the table's key in the name of
// whoever reads, and for writers may also make and wrap one.
//
// Sources: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html and
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
func keyUse(action string) []string {
	reads := []string{"kms:Decrypt", "kms:DescribeKey"}
	switch action {
	case "sqs:SendMessage":
		return []string{"kms:Decrypt", "kms:GenerateDataKey"}
	case "sqs:ReceiveMessage":
		return []string{"kms:Decrypt"}
	case "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:ConditionCheckItem",
		"dynamodb:GetRecords":
		return reads
	case "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem":
		return append(reads, "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext",
			"kms:ReEncryptFrom", "kms:ReEncryptTo")
	}
	return nil
}

// Allowed is what the process may do, what it needs of keys included, sorted by resource and action.
// Nothing for an unknown process.
func Allowed(p Process) []Permission {
	all := table()[p]
	type use struct {
		action string
		key    Resource
		via    string
	}
	because := map[use][]string{}
	for _, one := range all {
		service, _, _ := strings.Cut(one.Action, ":")
		for _, action := range keyUse(one.Action) {
			u := use{action: action, key: one.Resource.Key(), via: service}
			if cause := one.Action + " on " + string(one.Resource); !slices.Contains(because[u], cause) {
				because[u] = append(because[u], cause)
			}
		}
	}
	for u, causes := range because {
		slices.Sort(causes)
		all = append(all, Permission{
			Action: u.action, Resource: u.key, Via: u.via,
			Why: "the resource is encrypted: " + strings.Join(causes, ", "),
		})
	}
	slices.SortFunc(all, func(a, b Permission) int {
		if by := strings.Compare(string(a.Resource), string(b.Resource)); by != 0 {
			return by
		}
		if by := strings.Compare(a.Action, b.Action); by != 0 {
			return by
		}
		return strings.Compare(a.Via, b.Via)
	})
	return all
}
