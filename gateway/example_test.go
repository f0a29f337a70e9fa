package gateway_test

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/gateway"
	"github.com/payonce/payonce/gateway/sandbox"
	"github.com/payonce/payonce/idempotency"
)

// One payment in two steps, against the sandbox's core instead of a network.
func Example() {
	core, err := sandbox.New(sandbox.Options{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	stripe, err := gateway.New(gateway.Config{
		APIKey:       gateway.NewSecret("sk_test_example"),
		BaseURL:      "http://stripe.test",
		Installation: uuid.MustParse("6ba7b810-9dad-41d1-80b4-00c04fd430c8"),
		Transport:    &sandbox.Transport{Stripe: core, Clock: time.Now},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stripe.Close()
	ctx, forms := context.Background(), stripe.Forms()

	payment := &events.Payment{Amount: events.Money{Minor: 1000, Currency: "EUR"}, PaymentMethod: "pm_card_visa"}
	record := idempotency.Record{ID: events.ID{15: 1}, Tenant: "shop", Amount: payment.Amount, Request: payment}

	created := stripe.Do(ctx, idempotency.Call{
		Kind: idempotency.CallCreate, Payment: record.ID, Key: "create-1", Form: forms.CreateForm(record), APIVersion: forms.APIVersion(),
	})
	fmt.Println(created.Class, created.Intent.Status)

	// A worker takes a token, commits its claim with the intent's id, and only then confirms.
	if err := stripe.Take(ctx, idempotency.CallConfirm); err != nil {
		fmt.Println(err)
		return
	}
	confirmed := stripe.Do(ctx, idempotency.Call{
		Kind: idempotency.CallConfirm, Payment: record.ID, Intent: created.Intent.ID, Key: "attempt-1",
		Form: forms.ConfirmForm(record), APIVersion: forms.APIVersion(), Attempt: 1,
	})
	fmt.Println(confirmed.Class, confirmed.Intent.Status, confirmed.Intent.Card.Last4)
	// Output:
	// intent requires_confirmation
	// intent succeeded 4242
}
