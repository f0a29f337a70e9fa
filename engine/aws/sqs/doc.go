// Package sqs is the work queue on Amazon SQS: [Queue] implements queue.Consumer over one standard queue and sends to it.
//
// Open a Queue, Send what a commit wants done, Receive, Extend, Release or Delete, and Close at the end:
//
//	api := awssqs.NewFromConfig(cfg) // of aws-sdk-go-v2, with its own retries: they are turned off per call
//	q, err := sqs.Open(ctx, sqs.Config{API: api, Queue: "payonce-work", Unreadable: keep})
//
// # What a message holds
//
// The id of an operation, the trace it belongs to, and, in a message that replaces an older one, when the first was put
// on the queue and how often it was received: at most [MaxBody] bytes of JSON, and nothing that could be charged. The
// tenant is the message's group, which on a standard queue means fair queues: one tenant's backlog does not delay the
// others. A message that cannot be read is handed to Config.Unreadable, which must keep it, and only then deleted.
//
// # Where SQS differs from a store on one machine
//
//   - A message may be delivered twice although it is hidden. The ledger's fence decides who may settle.
//   - Depth is approximate and, to be cheap enough for every accept, up to a second old. Oldest is what this process has
//     received lately, since SQS has no such attribute.
//   - A receipt is good in the process that received it and in no other; it is as stale there as a deleted one.
//   - A message that another process received after its visibility had ended here is not known here: SQS reports a
//     success for a delete by the older handle and deletes nothing. Then the other process has the message and deletes
//     it. A release in that case leaves a duplicate, which finds a record that is settled or claimed.
//   - A poll that is given up by its context may have been given messages on the way: they are hidden until their
//     visibility ends and then come again.
//
// # What a call costs
//
// Sends and deletes of concurrent callers share calls of ten. A sender that is alone waits for nobody; others wait for
// Config.SendLinger at most, deletes for Config.DeleteLinger while this process holds other messages, and both longer
// only while Config.Lanes calls are under way already. The SDK's retries are off in every call, and those here are
// bounded by Config.Patience, so the two do not multiply.
package sqs
