// Package client submits payments to payonce and hears what became of them.
//
//	c, err := client.New("http://127.0.0.1:8080", os.Getenv("PAYONCE_KEY"))
//	p, err := c.Submit(ctx, key, client.PaymentRequest{Amount: 1000, Currency: "EUR", PaymentMethod: "pm_..."})
//
// Choose the key and store it, with the request, before the first Submit: after a crash the same call with the same key
// meets the same payment. Submit repeats by itself as long as its context lasts, always with the same key. What it
// returns is one of three things:
//
//   - a payment: accepted, durable, from now on payonce's business;
//   - a *Problem with a 4xx status: refused, final for this call;
//   - an error that matches ErrUndecided: nobody knows yet. Call again with the same key, now or after a restart, or
//     Cancel the key. Never choose a new key for the same purchase.
//
// Outcomes come through Feed, which leaves none out, or, for a single payment, through Watch.
//
// The types are generated from the API's description.
package client

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config oapi-codegen.yaml ../api/openapi.yaml
