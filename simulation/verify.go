package simulation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/gateway/sandbox"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

// verify holds the promises against what the sandbox counted by itself.
func (w *World) verify() error {
	stats := w.stripe.Stats(w.now)
	w.res.Charges = stats.Charges
	switch {
	case stats.PerPayment.Max > 1:
		return fmt.Errorf("a payment was charged %d times: %v", stats.PerPayment.Max, stats.PerPayment.Names)
	case stats.PerReference.Max > 1:
		return fmt.Errorf("a purchase was charged %d times: %v", stats.PerReference.Max, stats.PerReference.Names)
	case stats.Unattributed > 0:
		return fmt.Errorf("%d charges carry no payment id", stats.Unattributed)
	}
	charged := map[string]sandbox.Charge{}
	for _, c := range w.stripe.Charges(0, stats.Charges+1) {
		charged[c.Metadata[sandbox.MetaID]] = c
	}

	clear(w.res.States)
	clear(w.res.Attention)
	byID := map[events.ID]idempotency.Record{}
	for _, r := range w.records() {
		byID[r.ID] = r
		w.res.States[r.State]++
		if r.Attention != nil {
			w.res.Attention[r.Attention.Class]++
		}
		if err := w.verifyRecord(r, charged); err != nil {
			return err
		}
		delete(charged, r.ID.String())
	}
	for id := range charged {
		return fmt.Errorf("%s was charged and no record tells of it", id)
	}
	return w.verifyApps(byID)
}

func (w *World) verifyRecord(r idempotency.Record, charged map[string]sandbox.Charge) error {
	if err := r.VerifyHistory(); err != nil {
		return fmt.Errorf("%s: %w", r.ID, err)
	}
	c, paid := charged[r.ID.String()]
	switch {
	case r.State == idempotency.Succeeded && !paid:
		return fmt.Errorf("%s succeeded without a charge: %s", r.ID, story(r))
	case r.State.Negative() && paid:
		return fmt.Errorf("%s was reported %s and is charged: %s", r.ID, r.State, story(r))
	case paid && c.Amount != r.Amount.Minor:
		return fmt.Errorf("%s was charged %d, asked for %s", r.ID, c.Amount, r.Amount)
	case !r.State.Final() && r.Attention == nil:
		return fmt.Errorf("%s is %s and nobody sees it: %s", r.ID, r.State, story(r))
	case r.State.Final() && !r.Published:
		return fmt.Errorf("%s is %s and not published", r.ID, r.State)
	case r.State.Negative() && r.Holds:
		return fmt.Errorf("%s is %s and holds its reference", r.ID, r.State)
	}
	if r.State.Final() && r.Request != nil {
		if n := w.outcomes(r); n != 1 {
			return fmt.Errorf("%s has %d distinct outcomes of its final state", r.ID, n)
		}
	}
	return nil
}

// outcomes counts the distinct event ids of the record's final state in the feed.
func (w *World) outcomes(r idempotency.Record) int {
	ids := map[string]bool{}
	for after := int64(0); ; {
		feed, err := w.engine.Events(w.ctx, tenant, after, read.MaxLimit)
		if err != nil || len(feed.Events) == 0 {
			return len(ids)
		}
		for _, e := range feed.Events {
			if e.Outcome.Payment == r.ID && e.Outcome.State == r.State.String() {
				ids[e.Outcome.EventID()] = true
			}
		}
		after = feed.Next
	}
}

// records gives every record, the oldest first.
func (w *World) records() []idempotency.Record {
	var all []idempotency.Record
	for f := (read.Filter{Tenant: tenant, Limit: read.MaxLimit}); ; {
		page, err := w.engine.List(w.ctx, f)
		if err != nil {
			panic(err) // a list of ours on an engine in memory
		}
		all = append(all, page.Records...)
		if f.Cursor = page.Next; f.Cursor == "" {
			slices.Reverse(all)
			return all
		}
	}
}

// verifyApps holds what the apps were told against the ledger.
func (w *World) verifyApps(records map[events.ID]idempotency.Record) error {
	for _, a := range w.apps {
		for _, s := range a.keys {
			if s.accepted {
				if _, ok := records[s.id]; !ok {
					return fmt.Errorf("%s was acknowledged and is lost", s.id)
				}
			}
			if s.refused && !s.accepted {
				for _, r := range records {
					if r.KeyHash == s.key.Hash() && r.State == idempotency.Succeeded {
						return fmt.Errorf("%s was refused and is charged", r.ID)
					}
				}
			}
		}
	}
	return nil
}

// story is a record's history in one line, for a failure's message.
func story(r idempotency.Record) string {
	var s strings.Builder
	for _, n := range r.History {
		fmt.Fprintf(&s, " %s(%s)", n.To, n.Why)
	}
	return s.String()
}
