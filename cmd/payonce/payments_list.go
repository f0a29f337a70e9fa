package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/payonce/payonce/client"
)

func (a *app) paymentsListCommand() *cobra.Command {
	var (
		state, since string
		filter       client.Filter
		limit        int
		asJSON       bool
		patience     time.Duration
	)
	cmd := &cobra.Command{
		Use: "list", Short: "List payments, the newest first", Args: cobra.NoArgs,
		Long: `List payments of the API key's tenant, the newest first. With --json each payment is one line.`,
		Example: "  payonce payments list --state failed --limit 50\n" +
			"  payonce payments list --attention\n  payonce payments list --limit 0 --json | jq -r .id",
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter.State = client.State(state)
			if since != "" {
				at, err := moment(since, time.Now())
				if err != nil {
					return err
				}
				filter.CreatedAfter = at
			}
			if limit < 0 {
				return usage("--limit is 0 (all) or more")
			}
			if filter.PageSize = 100; limit > 0 {
				filter.PageSize = min(limit, 100)
			}
			c, err := a.api(cmd, patience)
			if err != nil {
				return err
			}
			var rows [][]string
			n := 0
			for p, err := range c.List(cmd.Context(), filter) {
				if err != nil {
					return answered(err)
				}
				if asJSON {
					if err := writeLine(cmd.OutOrStdout(), p); err != nil {
						return err
					}
				} else {
					rows = append(rows, paymentRow(p))
				}
				if n++; n == limit {
					break
				}
			}
			if asJSON {
				return nil
			}
			return table(cmd.OutOrStdout(), []string{"ID", "STATE", "AMOUNT", "REFERENCE", "CREATED", "NOTE"}, rows)
		},
	}
	f := cmd.Flags()
	f.StringVar(&state, "state", "", "only payments in this state")
	f.StringVar(&filter.Reference, "reference", "", "only payments of this purchase")
	f.StringVar(&since, "created-after", "", "only younger payments: a time such as 2026-01-31T12:00:00Z, or an age such as 24h")
	f.BoolVar(&filter.Attention, "attention", false, "only payments that a person should look at")
	f.IntVar(&limit, "limit", 20, "how many at most; 0 lists all")
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd, &patience)
	return cmd
}

// moment reads a time, or an age before now.
func moment(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	age, err := time.ParseDuration(text)
	if err != nil || age < 0 {
		return time.Time{}, usage("%q is neither a time such as 2026-01-31T12:00:00Z nor an age such as 24h", text)
	}
	return now.Add(-age), nil
}

func paymentRow(p client.Payment) []string {
	note := ""
	switch {
	case p.Attention != nil:
		note = "attention: " + p.Attention.Class
	case p.Failure != nil:
		note = p.Failure.Code
		if p.Failure.DeclineCode != "" {
			note = p.Failure.DeclineCode
		}
	case p.NextAction != nil:
		note = p.NextAction.Type
	}
	return []string{p.ID, string(p.State), fmt.Sprintf("%d %s", p.Amount, p.Currency), p.Reference, stamp(p.CreatedAt), note}
}
