package main

import (
	"time"

	"github.com/spf13/cobra"
)

func (a *app) paymentsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "payments", Short: "Read payments",
		Example: "  payonce payments list --attention\n  payonce payments get pay_...",
		Args:    cobra.NoArgs, RunE: needSubcommand,
	}
	cmd.AddCommand(a.paymentsGetCommand(), a.paymentsListCommand(), a.paymentsWatchCommand())
	return cmd
}

func (a *app) paymentsGetCommand() *cobra.Command {
	var asJSON bool
	var patience time.Duration
	cmd := &cobra.Command{
		Use: "get PAYMENT_ID", Short: "Show a payment", Args: cobra.ExactArgs(1),
		Example: "  payonce payments get pay_0123456789abcdef0123456789abcdef --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.api(cmd, patience)
			if err != nil {
				return err
			}
			p, err := c.Get(cmd.Context(), args[0])
			if err != nil {
				return answered(err)
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), p)
			}
			return printPayment(cmd, p)
		},
	}
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd, &patience)
	return cmd
}
