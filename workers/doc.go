// Package workers turns accepted payments into settled ones: receive, claim, call, settle, publish, delete.
//
// A Task is the work on one delivered message, stepped effect by effect; every decision in it is idempotency.Next's.
// A Pool receives within its budget of workers, keeps messages hidden by a heartbeat while they are worked on,
// stops receiving while Stripe is down, and drains when told to stop. A Janitor puts due records back on the queue.
//
// There is no other path to Stripe and none to an outcome.
package workers
