// Package idempotency is the heart of payonce: the operation record and the pure function Next that moves it.
//
// One idempotency key is one operation is one Record. Next takes a record, an Input and the time and derives a
// Change (data: what to commit) and at most one Call (data: one request to Stripe). Engines commit Changes, the
// gateway runs Calls, workers carry Answers back in. Nothing here does I/O, reads a clock or draws chance, so
// that every path can be stepped in a test, crashed between any two steps, and replayed from a seed.
//
// # The machine
//
//	            submit                                   cancel of an unknown key
//	absent ───────────► accepted                  absent ───────────────────────► canceled
//	                       │ claim (attempt, key, sent time, intent id: one write)
//	                       ▼
//	        ┌─────────► processing ◄───────────── resend same key / continue / close ──┐
//	        │ claim        │ answer                                                    │
//	        │              ├─ paid ─────────────────────────────────► succeeded        │
//	        │              ├─ not sent, or a decline that may be tried again           │
//	        ├──────────────┼───► retry_scheduled                                       │
//	        │              ├─ no answer, stored 500, 409, drift ──► unknown ───────────┤
//	        │              ├─ payer must act ─────────────────────► requires_action ───┤ evidence:
//	        │              ├─ bank settles later ─────────────────► pending ───────────┤ by id, by list,
//	        │              └─ declined ─► close at Stripe ─► failed, canceled,         │ by the cancel
//	        │                              superseded (or succeeded, if it was paid)   │
//	        └──────────────────────────────────────────────────────────────────────────┘
//
// The unconfirmed create that comes before the first claim changes no state. succeeded, failed, canceled and
// superseded are final and never change. A dead letter is not a state: it is a row that points at the record.
//
// # Why no order of steps charges twice
//
// A payment has one PaymentIntent, created unconfirmed before the claim; the claim stores its id in the same
// conditional write as fence, attempt, key and sent time, and only the stored id is ever confirmed. A
// PaymentIntent succeeds at most once. So a key that Stripe has forgotten, a request that takes effect hours
// late, or a worker that slept for a day between its last write and its first byte can at worst leave an unpaid
// intent behind. Before a payment ends as failed, canceled or superseded its intent is canceled at Stripe, and if
// that shows it paid, it is paid. One purchase has one live payment: the record that holds the reference.
//
// The option one_step saves a Stripe call and rests on bounded time instead: it creates and confirms in one
// request, and a worker that sleeps between its last write and its first byte can break it.
//
// The numbers in comments ("rule 7") are those of docs/guarantees.md.
package idempotency
