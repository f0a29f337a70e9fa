package dynamo

import (
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/gateway"
	"github.com/payonce/payonce/idempotency"
)

// ordinary is a request whose JSON takes about 400 bytes.
func ordinary() events.Payment {
	return events.Payment{
		Amount: events.Money{Minor: 129900, Currency: "EUR"}, PaymentMethod: "pm_1OqTestCard00000000abcdef",
		Customer: "cus_PgTest000000ab", Reference: "order-2026-03-0001847", Description: "Order 1847, 2 items",
		Metadata:  map[string]string{"cart": "c-88213764", "channel": "web-checkout", "warehouse": "berlin-3"},
		ReturnURL: "https://shop.example/checkout/return?order=1847", OffSession: true,
	}
}

// happyPath is what the protocol commits for a payment that succeeds at once: accept, claim, settle.
func happyPath(t *testing.T, key string, q events.Payment) []idempotency.Change {
	t.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	in := idempotency.Receive{
		Worker: "1772366400000.1234/31", Policy: idempotency.DefaultPolicy(), Encoder: gateway.Forms{Installation: uuid.Nil},
	}
	var r idempotency.Record
	var changes []idempotency.Change
	step := func(input idempotency.Input) idempotency.Call {
		now = now.Add(170 * time.Millisecond)
		c, call, err := idempotency.Next(r, input, now)
		if err != nil {
			t.Fatal(err)
		}
		if c.Record != nil {
			r = *c.Record
			changes = append(changes, c)
		}
		if call == nil {
			return idempotency.Call{}
		}
		return *call
	}
	answer := func(call idempotency.Call, status idempotency.IntentStatus) idempotency.Call {
		i := &idempotency.Intent{
			ID: "pi_3OqTest0000000000000abcd", Status: status, Amount: q.Amount, Payment: r.ID,
		}
		if status == idempotency.IntentSucceeded {
			i.Received, i.Charge = q.Amount.Minor, "ch_3OqTest0000000000000abcd"
			i.Card = &events.Card{Brand: "mastercard", Last4: "4444", ExpMonth: 12, ExpYear: 2031}
		}
		return step(idempotency.Answered{Receive: in, Call: call, Answer: idempotency.Answer{
			Class: idempotency.AnswerIntent, Status: 200, RequestID: "req_Abcdefgh123456", Intent: i,
		}})
	}
	step(idempotency.Submit{
		ID: events.ID(uuid.NewSHA1(uuid.Nil, []byte(key))), Tenant: "shop-berlin", Request: q,
		KeyHash: sha256.Sum256([]byte(key)), Fingerprint: sha256.Sum256([]byte("f" + key)),
		Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	})
	answer(answer(step(in), idempotency.IntentRequiresConfirmation), idempotency.IntentSucceeded)
	if len(changes) != 3 || r.State != idempotency.Succeeded {
		t.Fatalf("%d commits, then %s", len(changes), r.State)
	}
	return changes
}

// itemsAfter are the sizes of the record's item after each Change.
func itemsAfter(t *testing.T, changes []idempotency.Change) (sizes []int) {
	t.Helper()
	table := map[string]item{}
	for _, c := range changes {
		if _, err := bill(table, c); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, Size(table[string(operationKey(c.Record.ID))]))
	}
	return sizes
}

func sum(numbers []int) (n int) {
	for _, m := range numbers {
		n += m
	}
	return n
}

func TestUnitsOfThePromise(t *testing.T) {
	q := ordinary()
	body, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	if len(body) < 395 || len(body) > 405 {
		t.Errorf("the request has %d bytes", len(body))
	}
	unreferenced := q
	unreferenced.Reference = ""
	unreferenced.Description += strings.Repeat("!", len(q.Reference))
	for name, c := range map[string]struct {
		q                  events.Payment
		payment, duplicate int
	}{
		"no reference": {unreferenced, 3, 1},
		"reference":    {q, 6, 4},
	} {
		changes := happyPath(t, "k1", c.q)
		costs, err := Units(append(changes, changes[0])...)
		if err != nil {
			t.Fatal(err)
		}
		sizes := itemsAfter(t, changes)
		t.Logf("%s: items of %v bytes, units %v, a duplicate %d", name, sizes, costs[:3], costs[3])
		if got := sum(costs[:3]); got > c.payment {
			t.Errorf("%s: %d units, want %d", name, got, c.payment)
		}
		if costs[3] > c.duplicate {
			t.Errorf("%s: a duplicate costs %d units, want %d", name, costs[3], c.duplicate)
		}
		if grown := sizes[2] - sizes[0] - frozenSize(&c.q); grown > growth {
			t.Errorf("%s: the item grows by %d bytes beside its frozen form, growth says %d", name, grown, growth)
		}
	}
}

// TestUnitsOfBigRequests: a request that would make every write dearer is written once.
func TestUnitsOfBigRequests(t *testing.T) {
	q := ordinary()
	q.Reference = ""
	for _, c := range []struct{ more, want int }{{0, 3}, {400, 4}, {700, 4}, {900, 5}, {2000, 6}} {
		q.Metadata["note"] = strings.Repeat("x", min(c.more, 500))
		q.Description = "Order" + strings.Repeat("y", max(0, c.more-500))
		changes := happyPath(t, "k1", q)
		costs, err := Units(changes...)
		if err != nil {
			t.Fatal(err)
		}
		if sizes := itemsAfter(t, changes); sum(costs) > c.want || sizes[2] > unitBytes {
			t.Errorf("%d bytes more: units %v, want %d in all; items %v", c.more, costs, c.want, sizes)
		}
	}
}

func TestUnitsOfOthers(t *testing.T) {
	first, second := happyPath(t, "k1", ordinary()), happyPath(t, "k2", ordinary())
	due := first[1]
	r := *due.Record
	r.State, r.Due, r.Version = idempotency.RetryScheduled, 1, 3
	parked := idempotency.Change{Record: &r, Expect: 2}
	later := r
	later.Due, later.Version = 2, 4
	canceled := later
	canceled.State, canceled.Due, canceled.Version, canceled.Holds = idempotency.Canceled, 0, 5, false
	costs, err := Units(first[0], second[0], due, parked, idempotency.Change{Record: &later, Expect: 3},
		idempotency.Change{Record: &canceled, Expect: 4}, second[0],
		idempotency.Change{Letter: &idempotency.Letter{Operation: r.ID, Class: idempotency.AttentionVerify, At: 1}})
	if err != nil {
		t.Fatal(err)
	}
	// accept, held, claim, parked (an entry more), put off (another entry), canceled (no entry), takeover after a
	// refusal, letter (an entry more).
	want := []int{4, 4, 1, 2, 3, 2, 8, 2}
	for i := range want {
		if costs[i] != want[i] {
			t.Errorf("units %v, want %v", costs, want)
			break
		}
	}
}

func TestSize(t *testing.T) {
	for value, want := range map[string]int{"0": 1, "1": 2, "12": 2, "123": 3, "1200": 2, "-12": 3, "1772366400123": 8} {
		if got := Size(item{"v": &types.AttributeValueMemberN{Value: value}}); got != 1+want {
			t.Errorf("number %s takes %d bytes, want %d", value, got-1, want)
		}
	}
	if got := Size(item{"pk": binary(make([]byte, 17)), "h": yes, "a": &types.AttributeValueMemberS{Value: "äb"}}); got != 19+2+4 {
		t.Errorf("size %d", got)
	}
}
