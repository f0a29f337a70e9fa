package main

import (
	"time"

	"github.com/spf13/cobra"
)

func (a *app) cancelCommand() *cobra.Command {
	var key string
	var asJSON bool
	var patience time.Duration
	cmd := &cobra.Command{
		Use: "cancel", Short: "Call a payment off, by its idempotency key", Args: cobra.NoArgs,
		Long: `Call a payment off, by its idempotency key. It is canceled, or on its way there, unless it is too late (exit code 4).
A key that no payment is known for is closed for ever, so that an earlier, unanswered submit cannot come true later.`,
		Example: "  payonce cancel --key order-1001",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if key == "" {
				return usage("name --key: the idempotency key that the payment was submitted with")
			}
			c, err := a.api(cmd, patience)
			if err != nil {
				return err
			}
			p, err := c.Cancel(cmd.Context(), key)
			if err != nil {
				return answered(err)
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), p)
			}
			return printPayment(cmd, p)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "idempotency key of the payment")
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd, &patience)
	return cmd
}
