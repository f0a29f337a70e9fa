// Package sandbox is a stand-in for Stripe's PaymentIntents that keeps state: what is created can be confirmed, what is
// confirmed is charged once, and an idempotency key gets its first answer again. It exists to prove payonce's charge
// protocol: it fails on request, in every way in which Stripe and the network are known to fail, it survives the death of
// both sides, and it counts charges by itself. It moves no money and takes no card numbers.
//
// # As a program
//
// payonce sandbox serves [Sandbox.Handler] and prints its address; payonce dev runs one beside the server. Any test key
// will do; keys of the form sk_test_NAME and rk_test_NAME_anything are of one account.
//
//	payonce sandbox --listen 127.0.0.1:12111 --file sandbox.journal
//
//	curl http://127.0.0.1:12111/v1/payment_intents -u sk_test_shop: -H 'Idempotency-Key: create-1' \
//	    -d amount=1000 -d currency=eur -d 'payment_method_types[]=card' -d 'metadata[payonce_id]=pay_1'
//	curl http://127.0.0.1:12111/v1/payment_intents/pi_.../confirm -u sk_test_shop: -H 'Idempotency-Key: confirm-1' \
//	    -d payment_method=pm_card_visa -d 'expand[]=latest_charge'
//	curl http://127.0.0.1:12111/_sandbox/stats
//
// Lose the answer of the next confirmation, after it has charged; then let two in a hundred requests be answered 429:
//
//	curl http://127.0.0.1:12111/_sandbox/faults -d '{"seed": 7, "rules": [
//	    {"kind": "lost_answer", "endpoint": "confirm", "times": 1},
//	    {"kind": "rate_limit", "rate": 0.02}]}'
//
// A day passes, and Stripe has forgotten the keys:
//
//	curl http://127.0.0.1:12111/_sandbox/clock -d '{"advance_ms": 86400000}'
//
// # What it does as Stripe does
//
// API version 2023-10-16: create (with or without confirm=true), confirm, cancel, retrieve, list and search of
// PaymentIntents; /v1/balance and /v1/account to see whether Stripe can be reached. Parameters that Stripe does not know are
// refused, and so are those that the sandbox does not support, such as capture_method=manual: none is ignored.
//
// Idempotency (https://docs.stripe.com/api/idempotent_requests): a POST that began to execute leaves its answer under
// account and key, 402 and 500 included, and a repeat gets it with Idempotent-Replayed: true. Other parameters under the key:
// 400 idempotency_error. While the first is in progress: 409 idempotency_key_in_use. Nothing is kept for 401, 429, wrong
// parameters or an unknown PaymentIntent. Keys live for 24 hours of the sandbox's clock.
//
// A PaymentIntent is paid at most once, whatever is asked of it; a canceled one never. A decline takes it back to
// requires_payment_method, without its payment method.
//
// # Payment methods
//
// Stripe's test names (https://docs.stripe.com/testing): pm_card_visa, pm_card_mastercard, pm_card_amex and others pay;
// pm_card_visa_chargeDeclined, ...chargeDeclinedInsufficientFunds, LostCard, StolenCard, ExpiredCard, IncorrectCvc,
// ProcessingError, VelocityLimitExceeded (each with and without visa_) and pm_card_radarBlock decline;
// pm_card_authenticationRequired asks for 3-D Secure on session and declines off session;
// pm_card_threeDSecureRequiredChargeDeclined declines after it; pm_usBankAccount_success, _insufficientFunds and _processing
// are bank debits. Ours:
//
//	pm_sandbox_declines_N_CODE          the first N confirmations of each PaymentIntent are declined with CODE, the next one pays
//	pm_sandbox_processing               a card that stays in processing until it is settled by hand
//	pm_sandbox_processing_succeeds      ... that is paid after Config.SettleAfter
//	pm_sandbox_processing_fails         ... that is declined after Config.SettleAfter
//
// PaymentIntents show these names as they were given; Stripe would show an id made for the occasion. Any cus_... is a
// customer.
//
// # Its own paths
//
//	GET  /_sandbox/stats                                   [Stats]
//	GET  /_sandbox/charges?after=N&limit=M                 every successful charge as NDJSON, see [Charge]
//	GET, POST /_sandbox/faults                             [Plan]
//	POST /_sandbox/forget                                  drop all idempotency keys
//	POST /_sandbox/clock                                   {"advance_ms": N}
//	POST /_sandbox/payment_intents/{id}/complete_action    {"outcome": "passed" | "failed"}, for requires_action
//	POST /_sandbox/payment_intents/{id}/settle             {"outcome": "succeeded" | "failed"}, for processing
//
// They need no key: listen on loopback only.
//
// # In a test
//
// [Open] with an empty [Config] gives a sandbox in memory; its Handler goes into an httptest.Server. A simulation that
// owns time uses [New] and [Stripe.Handle], or [Transport] under a real client: one goroutine, no sockets, and the same seed
// gives the same run. [Stripe.Begin] and [Stripe.Finish] take a request apart, so that another can come between.
//
// # What survives
//
// With a path, every change is an entry of a journal, and an answer leaves only after its entry is synced; concurrent
// requests share a sync. Open applies the entries again. A torn last write is dropped; damage before it is refused with
// [ErrCorrupt]. The journal only grows: remove the file to start afresh. Counts of requests, of replays and of a rule's
// skipped requests start again at zero when the sandbox is opened.
//
// Where Stripe's documents leave it open: a 500 whose effect comes later creates its PaymentIntent with the time of the
// request, a request that arrives late with the time of its arrival.
package sandbox
