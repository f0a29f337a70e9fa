package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/payonce/payonce/client"
)

func (a *app) paymentsWatchCommand() *cobra.Command {
	var asJSON bool
	var patience time.Duration
	var wait time.Duration
	cmd := &cobra.Command{
		Use: "watch PAYMENT_ID", Short: "Follow a payment until it is final or the payer has to act", Args: cobra.ExactArgs(1),
		Long: `Follow a payment and print a line for each change, until it is final or the payer has to act. With --json each line
is the payment. Exit code 0 whatever the payment came to: read its state.`,
		Example: "  payonce payments watch pay_0123456789abcdef0123456789abcdef",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.api(cmd, patience)
			if err != nil {
				return err
			}
			return watch(cmd, c, args[0], asJSON, wait)
		},
	}
	cmd.Flags().DurationVar(&wait, "wait", 0, "give up after this long (exit code 1); 0 never does")
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd, &patience)
	return cmd
}

// watch prints a payment's transitions to the end.
func watch(cmd *cobra.Command, c *client.Client, id string, asJSON bool, wait time.Duration) error {
	ctx := cmd.Context()
	if wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, wait)
		defer cancel()
	}
	for p, err := range c.Watch(ctx, id) {
		switch {
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil:
			return fmt.Errorf("%s was not final after %s; it goes on by itself", id, wait)
		case err != nil:
			return answered(err)
		case asJSON:
			err = writeLine(cmd.OutOrStdout(), p)
		default:
			err = printTransition(cmd, p)
		}
		if err != nil {
			return err
		}
		if p.State == client.StateRequiresAction {
			return nil
		}
	}
	return nil
}

func printTransition(cmd *cobra.Command, p *client.Payment) error {
	line := fmt.Sprintf("%s  %-15s", p.UpdatedAt.UTC().Format("15:04:05.000"), p.State)
	switch {
	case p.State == client.StateSucceeded:
		line += fmt.Sprintf("  %d %s charged, %s", p.AmountCaptured, p.Currency, p.Stripe.Charge)
	case p.Failure != nil:
		line += "  " + p.Failure.Message
	case p.NextAction != nil:
		line += "  the payer has to act: " + p.NextAction.Type
	case p.Attention != nil:
		line += "  attention: " + p.Attention.Class
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), line)
	return err
}
