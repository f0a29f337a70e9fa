package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/payonce/payonce/client"
)

func (a *app) submitCommand() *cobra.Command {
	var (
		key      string
		r        client.PaymentRequest
		setup    string
		metadata []string
		wait     bool
		asJSON   bool
		patience time.Duration
	)
	cmd := &cobra.Command{
		Use: "submit", Short: "Submit a payment", Args: cobra.NoArgs,
		Long: `Submit a payment under an idempotency key, and repeat with the same key until it is answered.

Choose the key before the first try and keep it: the same key never charges twice, however often it is sent. Exit
code 5 says that no answer came; run the same command again.`,
		Example: "  payonce submit --key order-1001 --amount 1999 --currency eur --payment-method pm_card_visa --reference order-1001\n" +
			"  payonce submit --key order-1002 --amount 500 --currency jpy --payment-method pm_card_visa --wait --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if key == "" {
				return usage("name --key: the idempotency key of this payment, the same for every repeat")
			}
			r.SetupFutureUsage = client.PaymentRequestSetupFutureUsage(setup)
			for _, pair := range metadata {
				name, value, ok := strings.Cut(pair, "=")
				if !ok {
					return usage("--metadata takes name=value")
				}
				if r.Metadata == nil {
					r.Metadata = map[string]string{}
				}
				r.Metadata[name] = value
			}
			c, err := a.api(cmd, patience)
			if err != nil {
				return err
			}
			p, err := c.Submit(cmd.Context(), key, r)
			if err != nil {
				return answered(err)
			}
			if wait {
				return watch(cmd, c, p.ID, asJSON, patience)
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), p)
			}
			if err := printPayment(cmd, p); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "Follow it with: payonce payments watch %s\n", p.ID)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&key, "key", "", "idempotency key, 1 to 255 visible ASCII characters")
	f.Int64Var(&r.Amount, "amount", 0, "amount in minor units of the currency (1999 is 19.99 EUR, or 1999 JPY)")
	f.StringVar(&r.Currency, "currency", "", "ISO 4217 code")
	f.StringVar(&r.PaymentMethod, "payment-method", "", "Stripe payment method, pm_...; never a card number")
	f.StringVar(&r.Customer, "customer", "", "Stripe customer, cus_...")
	f.StringVar(&r.Reference, "reference", "", "the purchase: at most one payment for it is live")
	f.StringVar(&r.Description, "description", "", "shown in Stripe's dashboard")
	f.StringVar(&r.ReturnURL, "return-url", "", "where the payer comes back to after acting")
	f.StringVar(&r.StatementDescriptorSuffix, "statement-descriptor-suffix", "", "shown on the payer's statement")
	f.StringVar(&setup, "setup-future-usage", "", "on_session or off_session")
	f.BoolVar(&r.OffSession, "off-session", false, "the payer is not there to act")
	f.BoolVar(&r.AllowRepeat, "allow-repeat", false, "charge a purchase again on purpose: the reference guards nothing")
	f.StringArrayVar(&metadata, "metadata", nil, "name=value, passed to Stripe; may be given again")
	f.BoolVar(&wait, "wait", false, "watch the payment until it is final")
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd, &patience)
	return cmd
}
