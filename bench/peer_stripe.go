package main

import (
	"context"
	"fmt"
	"net/http"

	stripe "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
)

// standInKey opens nothing but the stand-in.
const standInKey = "sk_test_payonce_bench"

// chargerOf makes a peer's way to Stripe. All have a pooled transport, no telemetry and no retries, as payonce has:
// stripe-go's defaults would cost them about a third more.
func chargerOf(o peerOrder) (charger, error) {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(o.Stripe), MaxNetworkRetries: stripe.Int64(0), EnableTelemetry: stripe.Bool(false),
		HTTPClient:    &http.Client{Transport: &http.Transport{MaxIdleConns: 256, MaxIdleConnsPerHost: 256}},
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
	switch o.Kind {
	case peerBare, peerBarePlain:
		return typed(client.New(standInKey, &stripe.Backends{API: backend}), o.Kind == peerBare), nil
	case peerLean:
		return lean(backend), nil
	case peerJSON:
		return func(context.Context, string, *payment) (charged, int, error) {
			return charged{Status: "accepted"}, http.StatusAccepted, nil
		}, nil
	}
	return nil, fmt.Errorf("no peer is called %q", o.Kind)
}

func params(ctx context.Context, key string, p *payment, expand bool) *stripe.PaymentIntentParams {
	in := &stripe.PaymentIntentParams{
		Amount: stripe.Int64(p.Amount), Currency: stripe.String(p.Currency), Confirm: stripe.Bool(true),
		PaymentMethod: stripe.String(p.PaymentMethod), PaymentMethodTypes: []*string{stripe.String("card")},
		Description: stripe.String(p.Description), ReturnURL: stripe.String(p.ReturnURL),
		StatementDescriptorSuffix: stripe.String(p.StatementDescriptorSuffix),
	}
	in.Context = ctx
	in.SetIdempotencyKey(key)
	for name, value := range p.Metadata {
		in.AddMetadata(name, value)
	}
	in.AddMetadata("reference", p.Reference)
	if expand {
		in.AddExpand("latest_charge")
	}
	return in
}

func typed(api *client.API, expand bool) charger {
	return func(ctx context.Context, key string, p *payment) (charged, int, error) {
		pi, err := api.PaymentIntents.New(params(ctx, key, p, expand))
		if err != nil {
			return charged{}, 0, err
		}
		c := charged{Intent: pi.ID, Status: string(pi.Status)}
		if ch := pi.LatestCharge; ch != nil {
			c.Charge = ch.ID
			if d := ch.PaymentMethodDetails; d != nil && d.Card != nil {
				c.Brand, c.Last4, c.ExpMonth, c.ExpYear = string(d.Card.Brand), d.Card.Last4, d.Card.ExpMonth, d.Card.ExpYear
			}
		}
		return c, http.StatusOK, nil
	}
}

// leanIntent is what is needed of a PaymentIntent.
type leanIntent struct {
	stripe.APIResource
	ID           string `json:"id"`
	Status       string `json:"status"`
	LatestCharge struct {
		ID      string `json:"id"`
		Details struct {
			Card struct {
				Brand    string `json:"brand"`
				Last4    string `json:"last4"`
				ExpMonth int64  `json:"exp_month"`
				ExpYear  int64  `json:"exp_year"`
			} `json:"card"`
		} `json:"payment_method_details"`
	} `json:"latest_charge"`
}

func lean(backend stripe.Backend) charger {
	return func(ctx context.Context, key string, p *payment) (charged, int, error) {
		var pi leanIntent
		if err := backend.Call(http.MethodPost, "/v1/payment_intents", standInKey, params(ctx, key, p, true), &pi); err != nil {
			return charged{}, 0, err
		}
		card := pi.LatestCharge.Details.Card
		return charged{
			Intent: pi.ID, Status: pi.Status, Charge: pi.LatestCharge.ID,
			Brand: card.Brand, Last4: card.Last4, ExpMonth: card.ExpMonth, ExpYear: card.ExpYear,
		}, http.StatusOK, nil
	}
}
