package permissions

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payonce/payonce/engine/aws/dynamo"
	"github.com/payonce/payonce/engine/aws/sqs"
)

// Settings are what the stack creates and what `payonce doctor` compares with what is live.
type Settings struct {
	Names Names                `json:"names"`
	Queue map[Resource]Queue   `json:"queues"`
	Table TableSettings        `json:"table"`
	Alarm map[Resource]Seconds `json:"alarm_oldest_message_seconds"`
	// DataKeyReuse is how long SQS uses one data key before it asks KMS again: less costs more requests to KMS, more
	// keeps a queue readable for longer after a key was disabled.
	DataKeyReuse Seconds `json:"data_key_reuse_seconds"`
}

// Seconds is a whole number of them.
type Seconds int64

func seconds(d time.Duration) Seconds { return Seconds(d / time.Second) }

// Names are the names of resources, with {environment} and {tenant} in the places of those. A dot, which a tenant's
// name may hold and a queue's may not, becomes Dot; tenants have no capitals, so no two names can meet.
type Names struct {
	Table string              `json:"table"`
	Queue map[Resource]string `json:"queues"`
	// DeadSuffix ends the name of a queue of dead letters: no tenant may be called like another one with it.
	DeadSuffix string `json:"dead_suffix"`
	Dot        string `json:"dot"`
}

// Queue is how a queue is set up.
type Queue struct {
	// Visibility is what a receive hides a message for if it names no time itself.
	Visibility      Seconds `json:"visibility_timeout_seconds"`
	Retention       Seconds `json:"retention_seconds"`
	Delay           Seconds `json:"delay_seconds"` // of a message that names none itself
	ReceiveWait     Seconds `json:"receive_wait_seconds"`
	MaxMessageBytes int     `json:"max_message_bytes"`
	// DeadLetters takes what was received MaxReceives times and never deleted; empty and 0 for a queue of dead letters.
	DeadLetters Resource `json:"dead_letter_queue,omitempty"`
	MaxReceives int      `json:"max_receive_count,omitempty"`
}

// Attribute is an attribute of a key of the table: its name and "B" for bytes or "N" for a number.
type Attribute struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// TableSettings is the table's schema. The index is sparse: items have its keys only while they wait.
type TableSettings struct {
	PartitionKey Attribute `json:"partition_key"`
	Index        string    `json:"index"`
	IndexShard   Attribute `json:"index_partition_key"`
	IndexDue     Attribute `json:"index_sort_key"`
	Projection   string    `json:"index_projection"`
	// Stream is what the table's stream holds of a change; mirrors follow it.
	Stream string `json:"stream_view"`
	// RecoveryDays is how far back a point-in-time restore reaches.
	RecoveryDays int `json:"recovery_days"`
}

// Current are the settings of this release: what the packages that use queues and table say of them.
func Current() Settings {
	names := map[Resource]string{
		Work: "payonce-{environment}-work", Inbound: "payonce-{environment}-inbound-{tenant}",
	}
	queues, alarm := map[Resource]Queue{}, map[Resource]Seconds{}
	for live, dead := range map[Resource]Resource{Work: WorkDLQ, Inbound: InboundDLQ} {
		names[dead] = names[live] + sqs.DeadSuffix
		queues[live] = queue(sqs.Work(), dead)
		queues[dead] = queue(sqs.Dead(), "")
		alarm[live] = seconds(15 * time.Minute)
	}
	return Settings{
		Names:        Names{Table: "payonce-{environment}", Queue: names, DeadSuffix: sqs.DeadSuffix, Dot: "DOT"},
		Queue:        queues,
		Table:        tableSettings(dynamo.Table("")),
		Alarm:        alarm,
		DataKeyReuse: seconds(5 * time.Minute),
	}
}

// queue is how the package sqs sets up a queue. No queue delays what names no delay itself.
func queue(s sqs.Settings, dead Resource) Queue {
	return Queue{
		Visibility: seconds(s.Visibility), Retention: seconds(s.Retention), ReceiveWait: seconds(s.ReceiveWait),
		MaxMessageBytes: s.MaxMessageBytes, DeadLetters: dead, MaxReceives: s.MaxReceives,
	}
}

// tableSettings is the schema of the table that the package dynamo describes.
func tableSettings(in *dynamodb.CreateTableInput) TableSettings {
	kinds := map[string]string{}
	for _, a := range in.AttributeDefinitions {
		kinds[*a.AttributeName] = string(a.AttributeType)
	}
	key := func(schema []types.KeySchemaElement, kind types.KeyType) Attribute {
		for _, e := range schema {
			if e.KeyType == kind {
				return Attribute{Name: *e.AttributeName, Type: kinds[*e.AttributeName]}
			}
		}
		return Attribute{}
	}
	index := in.GlobalSecondaryIndexes[0]
	return TableSettings{
		PartitionKey: key(in.KeySchema, types.KeyTypeHash),
		Index:        *index.IndexName,
		IndexShard:   key(index.KeySchema, types.KeyTypeHash),
		IndexDue:     key(index.KeySchema, types.KeyTypeRange),
		Projection:   string(index.Projection.ProjectionType),
		Stream:       string(types.StreamViewTypeNewImage),
		RecoveryDays: 35, // the most there is
	}
}
