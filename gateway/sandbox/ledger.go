package sandbox

import (
	"maps"
	"slices"
)

// Metadata names by which payonce marks its PaymentIntents.
const (
	MetaInstallation = "payonce_installation"
	MetaTenant       = "payonce_tenant"
	MetaID           = "payonce_id"
	MetaReference    = "payonce_reference"
	MetaAllowRepeat  = "payonce_allow_repeat"
)

// maxOver bounds the list of payments that were charged more than once.
const maxOver = 1000

// ledger counts the money that moved. It knows nothing of PaymentIntents and their states: what it counts comes from the
// one place that pays, so a mistake in the states cannot hide a second charge.
type ledger struct {
	paid         []*charge
	byPayment    counter
	byReference  counter
	sums         map[string]int64
	unattributed int
}

// counter counts charges by name and remembers the names that have more than one.
type counter struct {
	count map[string]int
	max   int
	over  map[string]struct{}
}

func newLedger() ledger {
	c := func() counter { return counter{count: map[string]int{}, over: map[string]struct{}{}} }
	return ledger{byPayment: c(), byReference: c(), sums: map[string]int64{}}
}

func (c *counter) add(name string) {
	c.count[name]++
	n := c.count[name]
	c.max = max(c.max, n)
	if n > 1 {
		c.over[name] = struct{}{}
	}
}

func (l *ledger) add(c *charge) {
	l.paid = append(l.paid, c)
	l.sums[c.Currency] += c.Amount
	if id := lookup(c.Metadata, MetaID); id != "" {
		l.byPayment.add(id)
	} else {
		l.unattributed++
	}
	if ref := lookup(c.Metadata, MetaReference); ref != "" && lookup(c.Metadata, MetaAllowRepeat) != "true" {
		l.byReference.add(lookup(c.Metadata, MetaTenant) + "/" + ref)
	}
}

// Counts is how often one kind of name was charged.
type Counts struct {
	Distinct int       `json:"distinct"` // names with at least one charge
	Max      int       `json:"max"`      // the most charges of one name; above 1 a customer paid twice
	Over     int       `json:"over"`     // names with more than one charge
	Names    []Charged `json:"names"`    // the first 1000 of these, in order
}

// Charged is a payment, or a tenant/reference, that was charged more than once.
type Charged struct {
	Name    string `json:"name"`
	Charges int    `json:"charges"`
}

func (c *counter) counts() Counts {
	names := slices.Sorted(maps.Keys(c.over))
	out := Counts{Distinct: len(c.count), Max: c.max, Over: len(names), Names: []Charged{}}
	for _, n := range names[:min(len(names), maxOver)] {
		out.Names = append(out.Names, Charged{Name: n, Charges: c.count[n]})
	}
	return out
}

// Stats is what the sandbox has seen. Charges, intents, faults and sums are kept in the journal; requests, replayed and
// conflicts count since the sandbox was opened.
type Stats struct {
	// Charges is the number of successful charges.
	Charges int `json:"charges"`
	// PerPayment counts by metadata payonce_id.
	PerPayment Counts `json:"charges_per_payment"`
	// PerReference counts by payonce_tenant and payonce_reference, without those marked payonce_allow_repeat=true.
	PerReference Counts `json:"charges_per_reference"`
	// Unattributed charges carry no payonce_id.
	Unattributed int `json:"unattributed"`
	// Sums of the charges by currency, in minor units.
	Sums map[string]int64 `json:"sums"`
	// Intents is the number of PaymentIntents by status.
	Intents map[Status]int `json:"payment_intents"`
	// Requests by endpoint, refused ones included.
	Requests map[string]uint64 `json:"requests"`
	// Replayed answers, and 409s for a key in use.
	Replayed  uint64 `json:"replayed"`
	Conflicts uint64 `json:"conflicts"`
	// Faults injected by kind.
	Faults map[Kind]uint64 `json:"faults"`
	// Keys is the number of idempotency keys held.
	Keys int `json:"keys"`
	// Pending is the number of effects that are due later.
	Pending int `json:"pending"`
	// ClockMS is the sandbox's clock, in milliseconds since 1970.
	ClockMS int64 `json:"clock_ms"`
}

// Charge is one successful charge as /_sandbox/charges shows it. Amount is in minor units, Created in seconds since 1970.
type Charge struct {
	N             int               `json:"n"` // 1, 2, 3 ... in the order of payment
	ID            string            `json:"id"`
	PaymentIntent string            `json:"payment_intent"`
	Account       string            `json:"account"`
	Amount        int64             `json:"amount"`
	Currency      string            `json:"currency"`
	Created       int64             `json:"created"`
	Metadata      map[string]string `json:"metadata"`
}

func (l *ledger) charges(after, limit int) []Charge {
	after = min(max(after, 0), len(l.paid))
	out := make([]Charge, 0, min(limit, len(l.paid)-after))
	for n := after; n < len(l.paid) && len(out) < limit; n++ {
		c := l.paid[n]
		m := make(map[string]string, len(c.Metadata))
		for _, p := range c.Metadata {
			m[p.K] = p.V
		}
		out = append(out, Charge{
			N: n + 1, ID: c.ID, PaymentIntent: c.Intent, Account: c.Account, Amount: c.Amount, Currency: c.Currency,
			Created: c.Created / 1000, Metadata: m,
		})
	}
	return out
}
