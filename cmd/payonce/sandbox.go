package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/payonce/payonce/gateway/sandbox"
)

// sandboxFaults are the rates of the faults that can be asked for on the command line; the rest by POST.
type sandboxFaults struct {
	lost, stored500, busy float64
	seed                  uint64
}

func (f sandboxFaults) plan() (sandbox.Plan, error) {
	p := sandbox.Plan{Seed: f.seed}
	for _, r := range []struct {
		kind     sandbox.Kind
		rate     float64
		endpoint string
	}{
		{sandbox.LostAnswer, f.lost, ""}, {sandbox.Error500Effect, f.stored500, "confirm"}, {sandbox.RateLimit, f.busy, ""},
	} {
		if r.rate != 0 {
			p.Rules = append(p.Rules, sandbox.Rule{Kind: r.kind, Rate: r.rate, Endpoint: r.endpoint})
		}
	}
	return p, p.Validate()
}

func (a *app) sandboxCommand() *cobra.Command {
	var listen, file string
	var faults sandboxFaults
	var settle time.Duration
	cmd := &cobra.Command{
		Use: "sandbox", Short: "Serve the Stripe stand-in alone", Args: cobra.NoArgs,
		Long: `Serve the Stripe stand-in alone: PaymentIntents with Stripe's idempotency and lifecycle, and faults on request.
It has its own file, so it survives the death of payonce, and payonce its death. Any test key is accepted.

GET /_sandbox/stats counts charges per payment and per reference; POST /_sandbox/faults sets a fault plan.`,
		Example: "  payonce sandbox --file sandbox.journal --lost 0.02 --stored-500 0.01 --busy 0.01\n" +
			"  curl -s http://127.0.0.1:12111/_sandbox/stats",
		RunE: func(cmd *cobra.Command, _ []string) error {
			plan, err := faults.plan()
			if err != nil {
				return coded(exitUsage, err)
			}
			host, err := hostSandbox(cmd.Context(), listen, sandbox.Config{Path: file, Faults: plan, SettleAfter: settle})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Stripe stand-in serves %s\n", host.url())
			select {
			case <-cmd.Context().Done():
			case err = <-host.failed:
			}
			if closed := host.close(); err == nil {
				err = closed
			}
			return err
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:12111", "address; port 0 takes a free one")
	cmd.Flags().StringVar(&file, "file", "", "journal file; without one nothing is kept")
	cmd.Flags().Float64Var(&faults.lost, "lost", 0, "share of requests that take effect and get no answer")
	cmd.Flags().Float64Var(&faults.stored500, "stored-500", 0, "share of confirms that charge and answer 500, for as long as the key is known")
	cmd.Flags().Float64Var(&faults.busy, "busy", 0, "share of requests that are answered 429")
	cmd.Flags().Uint64Var(&faults.seed, "seed", 0, "seed of the faults' dice")
	cmd.Flags().DurationVar(&settle, "settle-after", time.Minute, "how long a bank debit stays in processing")
	return cmd
}
