package sandbox

import (
	"errors"
	"net/http"
	"os"
	"testing"
	"time"

	stripe "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
)

// sdk is Stripe's own client on a core, without sockets.
func sdk(core *Stripe, now *time.Time, fault *Fault) *client.API {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		MaxNetworkRetries: stripe.Int64(0), EnableTelemetry: stripe.Bool(false), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
		HTTPClient: &http.Client{Transport: &Transport{
			Stripe: core, Clock: func() time.Time { return *now },
			Fault: func(*http.Request) Fault { f := *fault; *fault = Fault{}; return f },
		}},
	})
	return client.New("sk_test_shop", &stripe.Backends{API: backend, Connect: backend, Uploads: backend})
}

func TestStripesOwnClient(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	core, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	var fault Fault
	api := sdk(core, &now, &fault)

	make1 := &stripe.PaymentIntentParams{
		Amount: stripe.Int64(1234), Currency: stripe.String("usd"), PaymentMethodTypes: stripe.StringSlice([]string{"card"}),
		Description: stripe.String("order 7"), Metadata: map[string]string{"payonce_id": "pay_1"},
	}
	make1.SetIdempotencyKey("create-1")
	pi, err := api.PaymentIntents.New(make1)
	if err != nil || pi.Status != stripe.PaymentIntentStatusRequiresPaymentMethod || pi.Metadata["payonce_id"] != "pay_1" || pi.Amount != 1234 {
		t.Fatalf("%+v %v", pi, err)
	}
	confirm := &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String("pm_card_visa")}
	confirm.AddExpand("latest_charge")
	confirm.SetIdempotencyKey("confirm-1")
	fault = Fault{Kind: DelayedAnswer, Delay: time.Minute}
	if _, err := api.PaymentIntents.Confirm(pi.ID, confirm); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a delayed answer: %v", err)
	}
	paid, err := api.PaymentIntents.Confirm(pi.ID, confirm)
	if err != nil || paid.Status != stripe.PaymentIntentStatusSucceeded || paid.LatestCharge.PaymentMethodDetails.Card.Last4 != "4242" ||
		paid.LastResponse.Header.Get("Idempotent-Replayed") != "true" || paid.LastResponse.IdempotencyKey != "confirm-1" || paid.LastResponse.RequestID == "" {
		t.Fatalf("%+v %v", paid, err)
	}
	_, err = api.PaymentIntents.Cancel(pi.ID, nil)
	var refused *stripe.Error
	if !errors.As(err, &refused) || refused.Code != stripe.ErrorCodePaymentIntentUnexpectedState || refused.PaymentIntent.Status != "succeeded" {
		t.Errorf("%v", err)
	}
	make2 := &stripe.PaymentIntentParams{
		Amount: stripe.Int64(500), Currency: stripe.String("eur"), PaymentMethodTypes: stripe.StringSlice([]string{"card"}),
		Confirm: stripe.Bool(true), PaymentMethod: stripe.String("pm_card_visa_chargeDeclinedInsufficientFunds"),
	}
	_, err = api.PaymentIntents.New(make2)
	if !errors.As(err, &refused) || refused.Type != stripe.ErrorTypeCard || refused.DeclineCode != stripe.DeclineCodeInsufficientFunds ||
		refused.PaymentIntent.LastPaymentError.PaymentMethod.Card.Last4 != "9995" || refused.HTTPStatusCode != 402 {
		t.Errorf("%v", err)
	}
	list := api.PaymentIntents.List(&stripe.PaymentIntentListParams{CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: now.Unix() - 60}})
	n := 0
	for list.Next() {
		n++
	}
	if list.Err() != nil || n != 2 {
		t.Errorf("%d %v", n, list.Err())
	}
	now = now.Add(time.Hour)
	found := api.PaymentIntents.Search(&stripe.PaymentIntentSearchParams{SearchParams: stripe.SearchParams{Query: "metadata['payonce_id']:'pay_1'"}})
	if !found.Next() || found.PaymentIntent().ID != pi.ID {
		t.Errorf("search: %v", found.Err())
	}
	for kind, want := range map[Kind]int{RateLimit: 429, LockTimeout: 429, Error500NoEffect: 500} {
		fault = Fault{Kind: kind}
		if _, err := api.PaymentIntents.Get(pi.ID, nil); kind != LockTimeout && (!errors.As(err, &refused) || refused.HTTPStatusCode != want) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	for _, kind := range []Kind{LostAnswer, Reset, BadGateway, Unavailable} {
		fault = Fault{Kind: kind}
		if _, err := api.PaymentIntents.Get(pi.ID, nil); err == nil || errors.As(err, &refused) && refused.HTTPStatusCode < 500 {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
