package idempotency

import (
	"fmt"
	"time"
)

// Next is the whole charge protocol as one pure function: from a record, an input and the time it derives what
// to commit and then, at most, one request to Stripe whose Answer is the next input.
//
// It reads no clock, draws no chance, does no I/O and changes none of its arguments. An empty Change with no Call
// and no error means that nothing is left to do: the API answers by the record, a worker deletes its message.
// The errors are verdicts (ErrOrphan, ErrKeyReused, ErrNotOwner, *NotYetError, *TooLateError): nothing is
// committed then. A Call may be run only after the Change beside it was committed; if that Commit is refused as
// stale, both are void and the work starts again from the record as it stands.
func Next(r Record, in Input, now time.Time) (Change, *Call, error) {
	t := At(now)
	r = r.clone()
	switch in := in.(type) {
	case Submit:
		return submit(r, in, t)
	case Cancel:
		return cancel(r, in, t)
	case Receive:
		return receive(r, in, t)
	case Answered:
		return answered(r, in, t)
	case Held:
		return held(r, in, t)
	case Wake:
		return wake(r, t)
	case Poisoned:
		return poisoned(r, in, t)
	case Adopt:
		return adopt(r, in, t)
	}
	panic(fmt.Sprintf("idempotency: no rule for input %T", in)) // a new input type without a rule is a bug of ours
}

// change is the commit that replaces the record that was read by r.
func change(r Record) Change {
	expect := r.Version
	r.Version++
	return Change{Record: &r, Expect: expect}
}
