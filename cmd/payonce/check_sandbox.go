package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

// sandboxCharge is what is compared of a charge at the stand-in.
type sandboxCharge struct {
	ID       string            `json:"id"`
	Intent   string            `json:"payment_intent"`
	Amount   int64             `json:"amount"`
	Currency string            `json:"currency"`
	Metadata map[string]string `json:"metadata"`
}

// compareCharges reads all charges of the stand-in and compares them with the store. It returns how many there are.
func compareCharges(ctx context.Context, reader *embedded.Reader, installation, base string) (int, []finding, error) {
	var found []finding
	payments, purchases := map[events.ID]int{}, map[string]int{}
	n := 0
	err := eachCharge(ctx, base, func(c sandboxCharge) error {
		if c.Metadata["payonce_installation"] != installation {
			return nil // another installation's
		}
		n++
		name := c.Metadata["payonce_id"]
		id, ok := parseID(name)
		if !ok {
			found = append(found, finding{Kind: "charge", Detail: c.ID + " names no payment"})
			return nil
		}
		if payments[id]++; payments[id] == 2 {
			found = append(found, finding{Kind: "double_charge", ID: name, Detail: "the payment was charged more than once"})
		}
		if ref := c.Metadata["payonce_reference"]; ref != "" && c.Metadata["payonce_allow_repeat"] != "true" {
			key := c.Metadata["payonce_tenant"] + "/" + ref
			if purchases[key]++; purchases[key] == 2 {
				found = append(found, finding{Kind: "double_charge", ID: name, Detail: "the purchase was charged more than once"})
			}
		}
		text, err := compareCharge(ctx, reader, id, c)
		if text != "" {
			found = append(found, finding{Kind: "charge", ID: name, Detail: c.ID + " " + text})
		}
		return err
	})
	if err != nil {
		return n, found, err
	}
	more, err := unpaid(ctx, reader, payments)
	return n, append(found, more...), err
}

func parseID(name string) (events.ID, bool) {
	id, err := events.ParseID(name)
	return id, err == nil
}

// compareCharge says what is wrong between a charge and its payment; empty if nothing is.
func compareCharge(ctx context.Context, reader *embedded.Reader, id events.ID, c sandboxCharge) (string, error) {
	r, err := reader.Load(ctx, id)
	switch {
	case errors.Is(err, idempotency.ErrNotFound):
		return "is of a payment that is not stored", nil
	case err != nil:
		return "", err
	case r.State != idempotency.Succeeded:
		return "is of a payment that is " + r.State.String(), nil
	case r.Charge != c.ID || r.Intent != c.Intent:
		return "is of a payment that names another charge", nil
	case r.Captured != c.Amount || !strings.EqualFold(string(r.Amount.Currency), c.Currency):
		return "has another amount than its payment", nil
	}
	return "", nil
}

// unpaid lists succeeded payments that no charge was seen of. A tenant without a key, revoked or not, has no payments.
func unpaid(ctx context.Context, reader *embedded.Reader, charged map[events.ID]int) ([]finding, error) {
	keys, err := reader.ListKeys(ctx)
	if err != nil {
		return nil, err
	}
	var found []finding
	done := map[string]bool{}
	for _, k := range keys {
		if done[k.Tenant] {
			continue
		}
		done[k.Tenant] = true
		f := read.Filter{Tenant: k.Tenant, State: idempotency.Succeeded, Limit: read.MaxLimit}
		for more := true; more; {
			page, err := reader.List(ctx, f)
			if err != nil {
				return nil, err
			}
			for i := range page.Records {
				if id := page.Records[i].ID; charged[id] == 0 {
					found = append(found, finding{Kind: "charge", ID: id.String(), Detail: "succeeded, and the stand-in has no charge of it"})
				}
			}
			f.Cursor, more = page.Next, page.Next != ""
		}
	}
	return found, nil
}

func eachCharge(ctx context.Context, base string, yield func(sandboxCharge) error) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(base, "/")+"/_sandbox/charges", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("it answered %s", resp.Status)
	}
	lines := json.NewDecoder(resp.Body)
	for {
		var c sandboxCharge
		if err := lines.Decode(&c); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the charges: %w", err)
		}
		if err := yield(c); err != nil {
			return err
		}
	}
}
