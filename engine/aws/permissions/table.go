package permissions

// table is the one place where a permission is given. Whoever adds a call to AWS adds its line here, for the processes
// that make it, then runs `go generate`. No line holds a wildcard.
//
// API, Worker, Janitor and Inspector each open the engine, which keeps a mirror of the table: each of them reads the table's
// stream, and the whole table when its mirror is new.
func table() map[Process][]Permission {
	return map[Process][]Permission{
		API: {
			{Action: "dynamodb:GetItem", Resource: Table, Why: "read a payment, an API key, the operation of a repeated key"},
			{Action: "dynamodb:BatchGetItem", Resource: Table, Why: "read a record's parts that are in items of their own, and the list of API keys"},
			{Action: "dynamodb:PutItem", Resource: Table, Why: "store a new payment under the condition that its id is free"},
			{Action: "dynamodb:UpdateItem", Resource: Table, Why: "store a cancel, take a reference, create and revoke API keys"},
			{Action: "dynamodb:DescribeTable", Resource: Table, Why: "find the table's stream"},
			{Action: "dynamodb:Scan", Resource: Table, Why: "copy the table into a new mirror, or one that was away too long"},
			{Action: "dynamodb:DescribeStream", Resource: Stream, Why: "list the shards of the stream"},
			{Action: "dynamodb:GetShardIterator", Resource: Stream, Why: "find the place in a shard where the mirror stopped"},
			{Action: "dynamodb:GetRecords", Resource: Stream, Why: "read changes into the mirror"},
			{Action: "sqs:GetQueueUrl", Resource: Work, Why: "find the queue by its name"},
			{Action: "sqs:SendMessage", Resource: Work, Why: "queue the work of an accepted payment before it is acknowledged"},
			{Action: "sqs:GetQueueAttributes", Resource: Work, Why: "count the backlog, beyond which new payments are answered 503"},
		},
		Worker: {
			{Action: "sqs:GetQueueUrl", Resource: Work, Why: "find the queue by its name"},
			{Action: "sqs:ReceiveMessage", Resource: Work, Why: "take work"},
			{Action: "sqs:ChangeMessageVisibility", Resource: Work, Why: "keep a message hidden while it is worked on, give it back when it is not"},
			{Action: "sqs:DeleteMessage", Resource: Work, Why: "finish work whose outcome is stored"},
			{Action: "sqs:SendMessage", Resource: Work, Why: "put off a retry of up to 15 minutes with a fresh delayed message"},
			{Action: "sqs:GetQueueAttributes", Resource: Work, Why: "report how much work waits"},
			{Action: "dynamodb:GetItem", Resource: Table, Why: "read the record that a message names"},
			{Action: "dynamodb:BatchGetItem", Resource: Table, Why: "read a record's parts that are in items of their own"},
			{Action: "dynamodb:PutItem", Resource: Table, Why: "keep a dead letter, and a frozen form that is too big for its record"},
			{Action: "dynamodb:UpdateItem", Resource: Table, Why: "claim and settle under fence and version"},
			{Action: "dynamodb:DescribeTable", Resource: Table, Why: "find the table's stream"},
			{Action: "dynamodb:Scan", Resource: Table, Why: "copy the table into a new mirror, or one that was away too long"},
			{Action: "dynamodb:DescribeStream", Resource: Stream, Why: "list the shards of the stream"},
			{Action: "dynamodb:GetShardIterator", Resource: Stream, Why: "find the place in a shard where the mirror stopped"},
			{Action: "dynamodb:GetRecords", Resource: Stream, Why: "read changes into the mirror"},
		},
		Janitor: {
			{Action: "dynamodb:Query", Resource: Index, Why: "find what is due"},
			{Action: "dynamodb:GetItem", Resource: Table, Why: "read what is due, and the operation of a repeated inbound event"},
			{Action: "dynamodb:BatchGetItem", Resource: Table, Why: "read records' parts that are in items of their own"},
			{Action: "dynamodb:PutItem", Resource: Table, Why: "store a payment from an inbound queue, keep a dead letter"},
			{Action: "dynamodb:UpdateItem", Resource: Table, Why: "take a reference for an inbound payment, stamp and clear the window of a restore"},
			{Action: "dynamodb:DescribeTable", Resource: Table, Why: "find the table's stream"},
			{Action: "dynamodb:Scan", Resource: Table, Why: "copy the table into a new mirror, or one that was away too long"},
			{Action: "dynamodb:DescribeStream", Resource: Stream, Why: "list the shards of the stream"},
			{Action: "dynamodb:GetShardIterator", Resource: Stream, Why: "find the place in a shard where the mirror stopped"},
			{Action: "dynamodb:GetRecords", Resource: Stream, Why: "read changes into the mirror"},
			{Action: "sqs:GetQueueUrl", Resource: Work, Why: "find the queue by its name"},
			{Action: "sqs:SendMessage", Resource: Work, Why: "bring back what is due, queue accepted inbound payments"},
			{Action: "sqs:GetQueueAttributes", Resource: Work, Why: "count the backlog, beyond which inbound queues are left alone"},
			{Action: "sqs:GetQueueUrl", Resource: Inbound, Why: "find the queue by its name"},
			{Action: "sqs:ReceiveMessage", Resource: Inbound, Why: "take events of tenants"},
			{Action: "sqs:ChangeMessageVisibility", Resource: Inbound, Why: "keep an event hidden while it is accepted, give it back when it cannot be yet"},
			{Action: "sqs:DeleteMessage", Resource: Inbound, Why: "finish an event that is accepted or quarantined"},
			{Action: "sqs:GetQueueUrl", Resource: WorkDLQ, Why: "find the queue by its name"},
			{Action: "sqs:ReceiveMessage", Resource: WorkDLQ, Why: "collect what SQS gave up into the dead letters"},
			{Action: "sqs:ChangeMessageVisibility", Resource: WorkDLQ, Why: "give back what could not be kept yet"},
			{Action: "sqs:DeleteMessage", Resource: WorkDLQ, Why: "remove what is kept as a dead letter"},
			{Action: "sqs:GetQueueUrl", Resource: InboundDLQ, Why: "find the queue by its name"},
			{Action: "sqs:ReceiveMessage", Resource: InboundDLQ, Why: "collect what SQS gave up into the dead letters"},
			{Action: "sqs:ChangeMessageVisibility", Resource: InboundDLQ, Why: "give back what could not be kept yet"},
			{Action: "sqs:DeleteMessage", Resource: InboundDLQ, Why: "remove what is kept as a dead letter"},
		},
		Inspector: {
			{Action: "dynamodb:Query", Resource: Index, Why: "list dead letters and what waits"},
			{Action: "dynamodb:GetItem", Resource: Table, Why: "show the record behind a letter, judge a replay"},
			{Action: "dynamodb:BatchGetItem", Resource: Table, Why: "read many letters and records at once"},
			{Action: "dynamodb:PutItem", Resource: Table, Why: "store a plan, an approval, a mark in the audit log"},
			{Action: "dynamodb:UpdateItem", Resource: Table, Why: "move a letter, approve a replay"},
			{Action: "dynamodb:DescribeTable", Resource: Table, Why: "find the table's stream; doctor: compare the table with what it should be"},
			{Action: "dynamodb:Scan", Resource: Table, Why: "copy the table into a new mirror, or one that was away too long"},
			{Action: "dynamodb:DescribeStream", Resource: Stream, Why: "list the shards of the stream"},
			{Action: "dynamodb:GetShardIterator", Resource: Stream, Why: "find the place in a shard where the mirror stopped"},
			{Action: "dynamodb:GetRecords", Resource: Stream, Why: "read changes into the mirror"},
			{Action: "sqs:SendMessage", Resource: Work, Why: "queue an approved replay"},
			{Action: "sqs:GetQueueUrl", Resource: Work, Why: "find the queue by its name"},
			{Action: "sqs:GetQueueUrl", Resource: WorkDLQ, Why: "find the queue by its name"},
			{Action: "sqs:GetQueueUrl", Resource: Inbound, Why: "find the queue by its name"},
			{Action: "sqs:GetQueueUrl", Resource: InboundDLQ, Why: "find the queue by its name"},
			{Action: "sqs:GetQueueAttributes", Resource: Work, Why: "doctor: compare the queue with what it should be"},
			{Action: "sqs:GetQueueAttributes", Resource: WorkDLQ, Why: "doctor: compare the queue with what it should be"},
			{Action: "sqs:GetQueueAttributes", Resource: Inbound, Why: "doctor: compare the queue with what it should be"},
			{Action: "sqs:GetQueueAttributes", Resource: InboundDLQ, Why: "doctor: compare the queue with what it should be"},
		},
		Migrate: {
			{Action: "dynamodb:Query", Resource: Index, Why: "count what waits before and after"},
			{Action: "dynamodb:GetItem", Resource: Table, Why: "verify what was imported"},
			{Action: "dynamodb:BatchGetItem", Resource: Table, Why: "read many records at once"},
			{Action: "dynamodb:PutItem", Resource: Table, Why: "store imported operations and letters"},
			{Action: "dynamodb:UpdateItem", Resource: Table, Why: "continue an import where it stopped, stamp the table"},
			{Action: "dynamodb:DescribeTable", Resource: Table, Why: "refuse a table that is not what it should be"},
			{Action: "dynamodb:Scan", Resource: Table, Why: "export: read the whole table"},
		},
	}
}

// standInsOnly are actions that the program takes on stand-ins on a developer's machine and never on AWS, where the stack
// has created everything; no process may take them there.
func standInsOnly() map[string]string {
	return map[string]string{
		"dynamodb:CreateTable": "aws init makes the table of a stand-in",
		"sqs:CreateQueue":      "aws init makes the queues of a stand-in",
	}
}
