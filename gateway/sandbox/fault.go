package sandbox

import (
	"errors"
	"fmt"
	"time"
)

// Kind names a fault.
type Kind string

// The faults. "Executed" means that the request took effect and its answer is kept under its idempotency key; a fault
// that needs execution does nothing to a request that is refused before it, or answered from a kept answer.
const (
	None Kind = ""

	// LostAnswer: executed, then the connection is closed without an answer.
	LostAnswer Kind = "lost_answer"
	// DelayedAnswer: executed at once, the answer comes Delay later (past the client's time-out, if that is shorter).
	DelayedAnswer Kind = "delayed_answer"
	// Latency: Delay passes before execution; until then the key is in use (409 for others).
	Latency Kind = "latency"
	// Reset: the connection is reset before anything is executed.
	Reset Kind = "reset"
	// LateEffect: the connection is reset, and the request arrives after all, Delay later. POST only; else as Reset.
	LateEffect Kind = "late_effect"

	// Error500Effect: executed, and a 500 is kept as the answer.
	Error500Effect Kind = "error_500_effect"
	// Error500NoEffect: nothing is done, and a 500 is kept as the answer.
	Error500NoEffect Kind = "error_500_no_effect"
	// Error500LateEffect: a 500 is kept as the answer, and the effect comes Delay later.
	Error500LateEffect Kind = "error_500_late_effect"

	// RateLimit: 429, Stripe-Rate-Limited-Reason: global-rate. Not executed, nothing kept.
	RateLimit Kind = "rate_limit"
	// LockTimeout: 429 with code lock_timeout. Not executed, nothing kept.
	LockTimeout Kind = "lock_timeout"
	// BadGateway: 502 with an HTML body from a proxy, before anything is executed.
	BadGateway Kind = "bad_gateway"
	// BadGatewayEffect: executed, and the proxy answers 502 with an HTML body.
	BadGatewayEffect Kind = "bad_gateway_effect"
	// Unavailable: 503 with a plain text body, before anything is executed.
	Unavailable Kind = "unavailable"
)

var kinds = map[Kind]bool{ // value: takes a delay
	LostAnswer: false, DelayedAnswer: true, Latency: true, Reset: false, LateEffect: true, Error500Effect: false,
	Error500NoEffect: false, Error500LateEffect: true, RateLimit: false, LockTimeout: false, BadGateway: false,
	BadGatewayEffect: false, Unavailable: false,
}

// Fault is what goes wrong with one request. The zero value is nothing.
type Fault struct {
	Kind Kind
	// Delay of DelayedAnswer, Latency, LateEffect and Error500LateEffect. The first two are slept by the HTTP handler;
	// the last two are measured on the sandbox's clock.
	Delay time.Duration
}

// ErrPlan is wrapped by every refusal of a [Plan].
var ErrPlan = errors.New("sandbox: bad fault plan")

// Plan says which requests fail and how. The rules are tried in order and the first that fires is the fault.
type Plan struct {
	// Seed of the rates' dice. The same seed and the same requests give the same faults.
	Seed  uint64 `json:"seed,omitzero" cbor:"1,keyasint,omitempty"`
	Rules []Rule `json:"rules" cbor:"2,keyasint,omitempty"`
}

// Rule injects one kind of fault into the requests that it matches.
type Rule struct {
	Kind Kind `json:"kind" cbor:"1,keyasint"`
	// Rate is the share of matching requests, 0 < Rate <= 1. 0 (or left out) means each.
	Rate float64 `json:"rate,omitzero" cbor:"2,keyasint,omitempty"`
	// Times is how often the rule fires in all. 0 means without end.
	Times int `json:"times,omitzero" cbor:"3,keyasint,omitempty"`
	// Skip is how many matching requests pass before the rule is in force.
	Skip int `json:"skip,omitzero" cbor:"4,keyasint,omitempty"`
	// Endpoint: create, confirm, cancel, retrieve, list, search, balance or account. "" means each.
	Endpoint string `json:"endpoint,omitzero" cbor:"5,keyasint,omitempty"`
	// Payment restricts the rule to one payment, by payonce_id in the PaymentIntent's metadata. "" means each.
	Payment string `json:"payment,omitzero" cbor:"6,keyasint,omitempty"`
	// DelayMS is the fault's delay in milliseconds.
	DelayMS int64 `json:"delay_ms,omitzero" cbor:"7,keyasint,omitempty"`

	// Fired and Passed count; they are ignored in a plan that is set.
	Fired  int `json:"fired,omitzero" cbor:"8,keyasint,omitempty"`
	Passed int `json:"passed,omitzero" cbor:"9,keyasint,omitempty"`
}

const maxRules = 1000

// Validate says what is wrong with a plan, as an error that wraps [ErrPlan].
func (p Plan) Validate() error {
	if len(p.Rules) > maxRules {
		return fmt.Errorf("%w: more than %d rules", ErrPlan, maxRules)
	}
	for n, r := range p.Rules {
		delays, known := kinds[r.Kind]
		_, endpointKnown := endpointNamed(r.Endpoint)
		switch {
		case !known:
			return fmt.Errorf("%w: rule %d: unknown kind %q", ErrPlan, n, shown(string(r.Kind)))
		case r.Endpoint != "" && !endpointKnown:
			return fmt.Errorf("%w: rule %d: unknown endpoint %q", ErrPlan, n, shown(r.Endpoint))
		case !(r.Rate >= 0 && r.Rate <= 1):
			return fmt.Errorf("%w: rule %d: the rate must be between 0 and 1", ErrPlan, n)
		case r.Times < 0 || r.Skip < 0:
			return fmt.Errorf("%w: rule %d: times and skip must not be negative", ErrPlan, n)
		case delays && r.DelayMS <= 0:
			return fmt.Errorf("%w: rule %d: %s needs delay_ms", ErrPlan, n, r.Kind)
		case !delays && r.DelayMS != 0:
			return fmt.Errorf("%w: rule %d: %s takes no delay_ms", ErrPlan, n, r.Kind)
		case r.DelayMS > int64(1000*time.Hour/time.Millisecond):
			return fmt.Errorf("%w: rule %d: delay_ms is over 1000 hours", ErrPlan, n)
		}
	}
	return nil
}

// fresh is the plan as it is set: validated by the caller, counters at zero.
func (p Plan) fresh() *Plan {
	q := &Plan{Seed: p.Seed, Rules: make([]Rule, len(p.Rules))}
	for n, r := range p.Rules {
		r.Fired, r.Passed = 0, 0
		q.Rules[n] = r
	}
	return q
}

// draw chooses the fault for one request and counts in the rules. payment is asked only where a rule needs it.
// dice is a number that differs for each request.
func (p *Plan) draw(ep endpoint, dice uint64, payment func() string) (f Fault, rule int) {
	for n := range p.Rules {
		r := &p.Rules[n]
		if r.Times > 0 && r.Fired >= r.Times || r.Endpoint != "" && r.Endpoint != ep.String() ||
			r.Payment != "" && r.Payment != payment() {
			continue
		}
		if r.Passed < r.Skip {
			r.Passed++
			continue
		}
		// 53 bits: what a float64 holds exactly.
		if r.Rate > 0 && float64(mix(p.Seed+mix(dice)+uint64(n))>>11)/(1<<53) >= r.Rate {
			continue
		}
		return Fault{Kind: r.Kind, Delay: time.Duration(r.DelayMS) * time.Millisecond}, n
	}
	return Fault{}, -1
}

// mix is the finaliser of SplitMix64 (https://prng.di.unimi.it/splitmix64.c).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
