package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/payonce/payonce/config"
)

func (a *app) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve the API and work payments", Args: cobra.NoArgs,
		Long: `Serve the HTTP API and charge accepted payments through Stripe.

The Stripe key is read from STRIPE_API_KEY. One process at a time may use a data folder. The first signal (SIGTERM,
SIGINT) stops cleanly: the API stops being ready and finishes its requests, the workers finish or give back what they
have, then the process exits with 0. A second signal ends it at once; nothing is lost by that either.

Logs go to standard error as JSON lines.`,
		Example: "  STRIPE_API_KEY=sk_test_... payonce serve --data /var/lib/payonce\n  payonce serve --config /etc/payonce.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := a.settings(cmd)
			if err != nil {
				return err
			}
			if loaded.StripeAPIKey.IsZero() {
				return usage("a Stripe key is missing: set STRIPE_API_KEY, or run `payonce dev` to try without Stripe")
			}
			s, err := startServer(cmd.Context(), a.serverOptions(loaded))
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "payonce %s serves %s\n", a.version.Version, s.url())
			return a.wait(cmd.Context(), s)
		},
	}
	config.AddFlags(cmd.Flags(), config.Server)
	return cmd
}
