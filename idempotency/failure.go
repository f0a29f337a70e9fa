package idempotency

import "github.com/payonce/payonce/events"

// failure is what an app is told of a refused attempt. The gateway has already put Stripe's codes into words.
func failure(a Answer) events.Failure {
	if a.Failure != nil {
		return *a.Failure
	}
	return events.Failure{Code: a.Code, DeclineCode: a.DeclineCode, Message: a.Message}
}
