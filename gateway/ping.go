package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/payonce/payonce/idempotency"
)

// Health is what Ping learned.
type Health struct {
	Reachable bool // something that answers in Stripe's form is there
	Accepted  bool // it took the key; false also where a rate limit hid that
	Live      bool // the key is a live one, by the answer, or by the key's own form while there is none
	// Skew is how far this machine's clock is ahead of Stripe's, to about a second; only meaningful if SkewKnown.
	Skew      time.Duration
	SkewKnown bool
	Took      time.Duration           // the exchange
	Class     idempotency.AnswerClass // AnswerIntent stands for a proper answer
	Status    int                     // HTTP; 0 without an answer
	Code      string                  // Stripe's error code
	RequestID string
}

// Ping asks for the account's balance, which changes nothing, spends no budget and is never answered from a cache. It
// keeps nothing of the amounts. Safe for concurrent use.
// Source: https://docs.stripe.com/api/balance/balance_retrieve
func (s *Stripe) Ping(ctx context.Context) Health {
	x := &exchange{kind: idempotency.CallRetrieve, name: "ping", limit: maxAnswer, now: s.now}
	var balance struct {
		Object string `json:"object"`
		Live   *bool  `json:"livemode"`
	}
	a := s.exchange(ctx, x, http.MethodGet, "/v1/balance", "", APIVersion, func() idempotency.Answer {
		r := x.read(s.installation, func(b []byte) (*idempotency.Intent, error) {
			if err := json.Unmarshal(b, &balance, lenient); err != nil || balance.Object != "balance" {
				return nil, errUnreadable
			}
			return readable, nil
		})
		return x.classified(&r)
	})
	h := Health{Live: s.Live(), Class: a.Class, Status: a.Status, Code: a.Code, RequestID: a.RequestID}
	switch a.Class {
	case idempotency.AnswerIntent:
		h.Reachable, h.Accepted = true, true
		if balance.Live != nil {
			h.Live = *balance.Live
		}
	case idempotency.AnswerNone, idempotency.AnswerNotSent:
	default:
		h.Reachable = true
	}
	if !x.whole {
		return h
	}
	h.Took = x.ended.Sub(x.began)
	if date, err := http.ParseTime(x.header.Get("Date")); err == nil {
		// The header is cut to the second, so half of one is the best guess.
		h.Skew, h.SkewKnown = x.began.Add(h.Took/2).Sub(date.Add(500*time.Millisecond)), true
	}
	return h
}
