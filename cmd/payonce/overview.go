package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) overviewCommand() *cobra.Command {
	var asJSON bool
	var patience time.Duration
	cmd := &cobra.Command{
		Use: "overview", Short: "Count payments by state, and the work that waits", Args: cobra.NoArgs,
		Example: "  payonce overview --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.api(cmd, patience)
			if err != nil {
				return err
			}
			o, err := c.Overview(cmd.Context())
			if err != nil {
				return answered(err)
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), o)
			}
			rows := [][]string{}
			for _, state := range slices.Sorted(maps.Keys(o.States)) {
				rows = append(rows, []string{state, fmt.Sprint(o.States[state])})
			}
			rows = append(rows, []string{"need attention", fmt.Sprint(o.Attention)},
				[]string{"queue: visible", fmt.Sprint(o.Queue.Visible)}, []string{"queue: in flight", fmt.Sprint(o.Queue.InFlight)},
				[]string{"queue: delayed", fmt.Sprint(o.Queue.Delayed)},
				[]string{"queue: oldest", (time.Duration(o.Queue.OldestAgeSeconds*1000) * time.Millisecond).String()})
			for _, b := range o.Breakers {
				state := "closed"
				if b.Open {
					state = "OPEN until " + stamp(b.Until)
				}
				rows = append(rows, []string{"breaker " + b.Name, state})
			}
			return table(cmd.OutOrStdout(), []string{"PAYMENTS", "COUNT"}, rows)
		},
	}
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd, &patience)
	return cmd
}
