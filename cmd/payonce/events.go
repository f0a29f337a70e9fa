package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/payonce/payonce/client"
)

func (a *app) eventsCommand() *cobra.Command {
	var (
		after    string
		limit    int
		follow   bool
		asJSON   bool
		patience time.Duration
	)
	cmd := &cobra.Command{
		Use: "events", Short: "Read the feed of outcomes", Args: cobra.NoArgs,
		Long: `Read the feed of outcomes, oldest first, as CloudEvents 1.0. An event may come twice, with the same id; none is left
out. With --json each event is one line; the position to go on from is printed to standard error at the end.`,
		Example: "  payonce events --limit 10\n  payonce events --follow --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 0 {
				return usage("--limit is 0 (all) or more")
			}
			c, err := a.api(cmd, patience)
			if err != nil {
				return err
			}
			print := func(list *client.EventList) error { return printEvents(cmd, list.Events, asJSON) }
			if follow {
				for list, err := range c.Feed(cmd.Context(), after) {
					if err := errors.Join(err, cmd.Context().Err()); err != nil {
						if cmd.Context().Err() != nil {
							return nil // following ends when it is interrupted
						}
						return answered(err)
					}
					if err := print(list); err != nil {
						return err
					}
				}
				return nil
			}
			for left := limit; ; {
				list, err := c.Events(cmd.Context(), after, pageOf(left, limit), 0)
				if err != nil {
					return answered(err)
				}
				if err := print(list); err != nil {
					return err
				}
				end := list.Next == after || limit > 0 && len(list.Events) >= left
				after, left = list.Next, left-len(list.Events)
				if end {
					fmt.Fprintf(cmd.ErrOrStderr(), "next: --after %s\n", after)
					return nil
				}
			}
		},
	}
	f := cmd.Flags()
	f.StringVar(&after, "after", "", "position to read on from; empty: the oldest event that is kept")
	f.IntVar(&limit, "limit", 0, "how many at most; 0 reads all there are")
	f.BoolVar(&follow, "follow", false, "wait for further events, until interrupted")
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd, &patience)
	return cmd
}

func pageOf(left, limit int) int {
	const largest = 100
	if limit == 0 {
		return largest
	}
	return min(left, largest)
}

func printEvents(cmd *cobra.Command, all []client.CloudEvent, asJSON bool) error {
	for _, e := range all {
		var err error
		if asJSON {
			err = writeLine(cmd.OutOrStdout(), e)
		} else {
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s  %s  %-28s %s  %d %s  %s\n", e.ID, e.Time.UTC().Format(time.RFC3339), e.Type,
				e.Subject, e.Data.Amount, e.Data.Currency, e.Data.Reference)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
