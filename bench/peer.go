package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// The peers: what somebody could build instead. None of them stores anything, authenticates or logs.
const (
	// peerBare creates and confirms a PaymentIntent with stripe-go's typed call, and answers when Stripe has.
	peerBare = "bare"
	// peerBarePlain is bare without the expanded charge: cheaper, and it does not learn the card's last digits.
	peerBarePlain = "bare, charge not expanded"
	// peerLean is bare with stripe-go's Backend.Call into a type that has what is needed and no more.
	peerLean = "lean bare"
	// peerJSON decodes the payment and answers 202. It calls nobody.
	peerJSON = "JSON handler"
)

// peerOrder asks for a peer.
type peerOrder struct {
	Kind   string
	Stripe string // URL of the stand-in
}

// peerPart serves until it is told to end.
func peerPart(ctx context.Context, in io.Reader, out, _ io.Writer) error {
	var o peerOrder
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return err
	}
	charge, err := chargerOf(o)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/payments", func(w http.ResponseWriter, r *http.Request) { pay(w, r, charge) })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(out, "peer serves http://%s\n", listener.Addr())
	go func() {
		<-ctx.Done()
		_ = server.Close() // nothing is kept that could be lost
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// payment is the request, as a handler would declare it.
type payment struct {
	Amount                    int64             `json:"amount"`
	Currency                  string            `json:"currency"`
	PaymentMethod             string            `json:"payment_method"`
	Reference                 string            `json:"reference"`
	Description               string            `json:"description"`
	Metadata                  map[string]string `json:"metadata"`
	ReturnURL                 string            `json:"return_url"`
	StatementDescriptorSuffix string            `json:"statement_descriptor_suffix"`
}

// charged is what a handler keeps of Stripe's answer.
type charged struct {
	Intent   string `json:"payment_intent,omitempty"`
	Status   string `json:"status"`
	Charge   string `json:"charge,omitempty"`
	Brand    string `json:"brand,omitempty"`
	Last4    string `json:"last4,omitempty"`
	ExpMonth int64  `json:"exp_month,omitempty"`
	ExpYear  int64  `json:"exp_year,omitempty"`
}

type answer struct {
	ID        string            `json:"id"`
	Amount    int64             `json:"amount"`
	Currency  string            `json:"currency"`
	Reference string            `json:"reference"`
	Stripe    charged           `json:"stripe"`
	Metadata  map[string]string `json:"metadata"`
}

// charger charges a payment under a key. The status it answers with is HTTP's.
type charger func(ctx context.Context, key string, p *payment) (charged, int, error)

const bodyLimit = 64 << 10

func pay(w http.ResponseWriter, r *http.Request, charge charger) {
	key := r.Header.Get("Idempotency-Key")
	var p payment
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyLimit)).Decode(&p); err != nil || key == "" {
		http.Error(w, "the payment cannot be read", http.StatusBadRequest)
		return
	}
	c, status, err := charge(r.Context(), key, &p)
	if err != nil {
		http.Error(w, "Stripe did not take it", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer{ //nolint:errchkjson // all of it can be encoded; the caller may be gone
		ID: key, Amount: p.Amount, Currency: p.Currency, Reference: p.Reference, Stripe: c, Metadata: p.Metadata,
	})
}
