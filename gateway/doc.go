// Package gateway speaks to Stripe: one idempotency.Call in, one classified idempotency.Answer out.
//
// In order of use:
//
//   - [New] builds a [Stripe] for one account from a [Config]. A live key goes to api.stripe.com over TLS or nowhere.
//   - [Forms] encodes the request bodies. They are pure, so that a record's frozen request is always the same bytes.
//   - [Stripe.Open] says whether workers should stop receiving, because Stripe cannot be reached or refuses the key.
//   - [Stripe.Take] takes a rate token before a claim; [Stripe.Do] then makes the call. Do never fails: whatever
//     happens on the wire is judged by the one table in classify.go, and "no error" is never read as "charged".
//   - [Stripe.Sweep] streams everything this installation ever created in a window, for a restore.
//   - [Stripe.Ping] is for the doctor: reachable, key accepted, test or live, clock skew.
//
// # What leaves the process
//
// Requests are built by stripe-go's backend (credentials, version, idempotency key) and carry the bytes of the call as
// they are. The SDK's own retries and telemetry are off. net/http repeats a POST by itself when it carries an
// Idempotency-Key and its body can be rewound, and follows a 307 with the body; neither can happen here, because each
// send has been written ahead by the caller and an unrecorded one would make the record wrong.
//
// # What is kept of an answer
//
// The PaymentIntent's state, amounts and ids, the card's brand, last four digits and expiry, and Stripe's error codes
// and sentence. Sentences pass events.Redact and are cut to [MaxMessage] bytes. client_secret is never read.
package gateway
