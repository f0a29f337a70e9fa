// Package events is the contract of a payment event: what an app may ask for,
// how it is named, compared and refused, and what it hears when the payment is
// decided. It imports nothing else of this project.
//
// In order of use:
//
//   - [ParseKey] reads the idempotency key, which the caller chose and stored
//     before the first try. A key never prints itself.
//   - [DecodePayment] turns a request body into a validated [Payment], or
//     refuses it with an [InvalidError] that names every bad field and never
//     repeats what was sent. It runs the card-number guard first.
//   - [PaymentID] derives the payment's id from installation, tenant and key,
//     so that a repeat finds the same record without a lookup table.
//   - [Payment.Canonical] and [Fingerprint] tell a repeat from a conflict: one
//     key with two meanings is refused.
//   - [Outcome] is what happened to a payment; [Outcome.CloudEvent] is how a
//     backend hears of it.
//
// Everything here is pure: no clock, no chance, no I/O. All values are safe to
// share between goroutines as long as nobody changes a Payment's Metadata.
package events
