package sandbox

import (
	"strings"
	"testing"
)

// The counts do not look at intents: a second charge that the states would deny is still seen.
func TestLedgerCountsByItself(t *testing.T) {
	b := newBench(t, Options{})
	b.want(200, post(create, ours+"&confirm=true&payment_method=pm_card_visa", ""))
	pi := b.core.intents[b.core.lists[b.core.ledger.paid[0].Account][0]]
	d := b.core.draftOf(pi, moment{1, 1})
	d.pay() // what a mistake in confirm would do
	b.core.commit(d.entry(1))
	got := b.core.Stats(b.now)
	if got.Charges != 2 || got.PerPayment.Max != 2 || got.PerPayment.Over != 1 || got.PerReference.Max != 2 || got.Intents[Succeeded] != 1 ||
		got.PerPayment.Names[0] != (Charged{Name: "pay_00000000000000000000000000000001", Charges: 2}) ||
		got.PerReference.Names[0] != (Charged{Name: "t1/aa", Charges: 2}) || got.Sums["eur"] != 2000 {
		t.Errorf("%+v", got)
	}
}

func TestLedgerReferences(t *testing.T) {
	b := newBench(t, Options{})
	pay := func(id, tenant, ref, repeat string) {
		var p strings.Builder
		p.WriteString(cardOnly + "&confirm=true&payment_method=pm_card_visa")
		for k, v := range map[string]string{MetaID: id, MetaTenant: tenant, MetaReference: ref, MetaAllowRepeat: repeat} {
			if v != "" {
				p.WriteString("&metadata[" + k + "]=" + v)
			}
		}
		b.want(200, post(create, p.String(), ""))
	}
	pay("a", "t1", "r", "")
	pay("b", "t1", "r", "true") // allowed to repeat: not counted
	pay("c", "t2", "r", "")     // another tenant's
	pay("d", "t1", "", "")
	pay("", "", "", "")
	got := b.core.Stats(b.now)
	if got.PerReference.Max != 1 || got.PerReference.Distinct != 2 || got.PerPayment.Distinct != 4 || got.Unattributed != 1 || got.Charges != 5 {
		t.Errorf("%+v", got)
	}
	pay("e", "t1", "r", "")
	if got := b.core.Stats(b.now); got.PerReference.Max != 2 || got.PerPayment.Max != 1 {
		t.Errorf("%+v", got)
	}
	if some := b.core.Charges(2, 2); len(some) != 2 || some[0].N != 3 || some[0].Metadata[MetaID] != "c" {
		t.Errorf("%+v", some)
	}
	if none := b.core.Charges(99, 5); len(none) != 0 {
		t.Error(none)
	}
}
