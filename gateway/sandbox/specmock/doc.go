// Package specmock holds one test: the sandbox's requests and answers against Stripe's published OpenAPI description, as
// stripe-mock carries it (https://github.com/stripe/stripe-mock). It is a module of its own, so that stripe-mock and what
// it needs stay out of payonce's go.mod. Run it with:
//
//	cd gateway/sandbox/specmock && go test ./...
package specmock
