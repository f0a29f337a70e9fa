package sandbox

import (
	"container/heap"
	"slices"
	"sort"

	"github.com/fxamacker/cbor/v2"
)

// entry is one step of the sandbox's state. Every change is an entry that is first applied and then written, and a
// journal is read by applying its entries again: the live path and the replay are the same code.
type entry struct {
	At     int64     `cbor:"1,keyasint"`           // ms on the sandbox's clock
	Seq    uint64    `cbor:"2,keyasint,omitempty"` // the id counter after this entry
	Intent *intent   `cbor:"3,keyasint,omitempty"` // a new version
	Paid   *charge   `cbor:"4,keyasint,omitempty"` // money moved: counted apart from Intent
	Key    *kept     `cbor:"5,keyasint,omitempty"` // an answer kept under its key
	Add    *due      `cbor:"6,keyasint,omitempty"`
	Done   uint64    `cbor:"7,keyasint,omitempty"` // number of the due item that this entry carries out
	Fault  Kind      `cbor:"8,keyasint,omitempty"` // injected with this request
	Rule   int       `cbor:"9,keyasint,omitempty"` // 1 + the plan's rule that fired
	Plan   *Plan     `cbor:"10,keyasint,omitempty"`
	Forget bool      `cbor:"11,keyasint,omitempty"` // all idempotency keys
	Offset *int64    `cbor:"12,keyasint,omitempty"` // the clock's new offset, ms
	Seed   *identity `cbor:"13,keyasint,omitempty"` // first entry of a journal
}

// identity is what must stay the same for as long as a journal lives.
type identity struct {
	Seed uint64 `cbor:"1,keyasint"`
}

// kept is an answer under an idempotency key (https://docs.stripe.com/api/idempotent_requests). It holds what the body is
// made from, not the body. Keys are kept as hashes only.
type kept struct {
	Key     keyHash   `cbor:"1,keyasint"`
	Print   keyHash   `cbor:"2,keyasint"` // method, path and parameters
	Created int64     `cbor:"3,keyasint"` // ms
	Status  int       `cbor:"4,keyasint"`
	Intent  string    `cbor:"5,keyasint,omitempty"` // the version that is current when the entry is applied
	Err     *apiError `cbor:"6,keyasint,omitempty"`
	Expand  expand    `cbor:"7,keyasint,omitempty"`
	Request string    `cbor:"8,keyasint"` // Request-Id of the first request

	intent *intent
	pos    uint64
}

type keyHash [16]byte

func (k *kept) answer() answer {
	return answer{status: k.Status, intent: k.intent, err: k.Err, expand: k.Expand}
}

// due is something that happens later on the sandbox's clock.
type due struct {
	N       uint64   `cbor:"1,keyasint"` // never used twice
	At      int64    `cbor:"2,keyasint"` // ms
	Kind    dueKind  `cbor:"3,keyasint"`
	Begun   int64    `cbor:"4,keyasint"`           // ms; when the request that led to it came
	Request *Request `cbor:"5,keyasint,omitempty"` // without its authorisation
	Account string   `cbor:"6,keyasint,omitempty"`
	Intent  string   `cbor:"7,keyasint,omitempty"`
	Attempt int      `cbor:"8,keyasint,omitempty"` // settle: the confirmation that led to it
}

type dueKind uint8

const (
	dueArrive dueKind = iota + 1 // a request arrives after all, and meets the idempotency layer
	dueEffect                    // the effect of a request that was answered 500 rolls forward
	dueSettle                    // an intent in processing is paid or refused
)

type agenda []*due

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].At < a[j].At || a[i].At == a[j].At && a[i].N < a[j].N
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(*due)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	(*a)[len(*a)-1] = nil
	*a = (*a)[:len(*a)-1]
	return last
}

// commit applies an entry and hands it to the journal.
func (s *Stripe) commit(e *entry) {
	if s.record != nil {
		s.pos = s.record(e)
	}
	s.apply(e)
}

// apply is the only code that changes what a journal keeps.
func (s *Stripe) apply(e *entry) {
	s.last = max(s.last, e.At)
	s.seq = max(s.seq, e.Seq)
	if e.Seed != nil {
		s.seed = e.Seed.Seed
	}
	if e.Intent != nil {
		s.putIntent(e.Intent)
	}
	if e.Paid != nil {
		s.ledger.add(e.Paid)
	}
	if e.Key != nil {
		k := e.Key
		k.intent, k.pos = s.intents[k.Intent], s.pos
		s.keys[k.Key] = k
		s.keyAge = append(s.keyAge, k)
	}
	if e.Done != 0 {
		delete(s.dues, e.Done)
	}
	if e.Add != nil {
		s.dues[e.Add.N] = e.Add
		heap.Push(&s.agenda, e.Add)
	}
	if e.Fault != None {
		s.faults[e.Fault]++
	}
	if e.Plan != nil {
		s.plan = e.Plan
	}
	if e.Rule > 0 && e.Rule <= len(s.plan.Rules) {
		s.plan.Rules[e.Rule-1].Fired++
	}
	if e.Forget {
		clear(s.keys)
		s.keyAge = nil
	}
	if e.Offset != nil {
		s.offset = *e.Offset
	}
}

// putIntent stores a version and, if it is the first, its place in the account's list: by creation time, then by the
// order in which they came.
func (s *Stripe) putIntent(pi *intent) {
	pi.pos = s.pos
	old := s.intents[pi.ID]
	s.intents[pi.ID] = pi
	if old != nil {
		s.byStatus[old.Status]--
	}
	s.byStatus[pi.Status]++
	if old != nil {
		return
	}
	ids := s.lists[pi.Account]
	at := len(ids)
	if at > 0 && s.intents[ids[at-1]].Created > pi.Created {
		at = sort.Search(len(ids), func(n int) bool { return s.intents[ids[n]].Created > pi.Created })
	}
	s.lists[pi.Account] = slices.Insert(ids, at, pi.ID)
}

// entryMode rejects what a journal of this version cannot hold.
var entryMode = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		MaxArrayElements: 1 << 16, MaxMapPairs: 1 << 16,
	}.DecMode()
	if err != nil {
		panic(err) // the options are constants
	}
	return mode
}()
