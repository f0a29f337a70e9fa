package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/payonce/payonce/config"
	"github.com/payonce/payonce/engine"
	"github.com/payonce/payonce/gateway/sandbox"
)

// sandboxKey is what dev presents to the stand-in. It opens nothing anywhere else.
const sandboxKey = "sk_test_payonce_dev"

// sandboxJournal is the stand-in's own file in the data folder.
const sandboxJournal = "sandbox.journal"

func (a *app) devCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "dev", Short: "Start everything on this machine, with a Stripe stand-in", Args: cobra.NoArgs,
		Long: `Start everything on this machine: API, workers, the embedded store in ./data, and a Stripe stand-in that moves no
money. It makes a development API key, keeps it in data/dev.key, and prints a curl line to paste.

With --stripe-url another stand-in is used and none is started. Kill it whenever you like and start it again: nothing
is lost and nothing is charged twice.`,
		Example: "  payonce dev\n  payonce dev --listen 127.0.0.1:9090 --data /tmp/try",
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := a.settings(cmd)
			if err != nil {
				return err
			}
			return a.dev(cmd.Context(), cmd, loaded)
		},
	}
	config.AddFlags(cmd.Flags(), config.Dev)
	return cmd
}

func (a *app) dev(ctx context.Context, cmd *cobra.Command, loaded *config.Loaded) (err error) {
	if config.Live(loaded.StripeAPIKey.Reveal()) {
		return usage("dev works with a stand-in and takes no live key: unset STRIPE_API_KEY, or use `payonce serve`")
	}
	failed := make(<-chan error)
	if !loaded.Given("stripe_url") {
		if err := os.MkdirAll(loaded.Data, 0o700); err != nil {
			return fmt.Errorf("make the data folder: %w", err)
		}
		var host *sandboxHost
		host, err = hostSandbox(ctx, loaded.SandboxListen, sandbox.Config{Path: filepath.Join(loaded.Data, sandboxJournal)})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, host.close()) }()
		loaded.StripeURL, failed = host.url(), host.failed
		loaded.StripeAPIKey = config.NewSecret(sandboxKey) // a real test key has no business at the stand-in
	} else if loaded.StripeAPIKey.IsZero() {
		loaded.StripeAPIKey = config.NewSecret(sandboxKey)
	}
	var secret string
	o := a.serverOptions(loaded)
	o.prepare = func(ctx context.Context, store engine.Engine) error {
		secret, err = ensureDevKey(ctx, store, loaded.Data, loaded.DevKey.Reveal())
		return err
	}
	s, err := startServer(ctx, o)
	if err != nil {
		return err
	}
	go func() {
		select {
		case err := <-failed:
			s.fail("Stripe stand-in", err)
		case <-s.backCtx.Done():
		}
	}()
	a.welcome(cmd, s, loaded, secret)
	return a.wait(ctx, s)
}

// welcome tells a person what runs and what to do now.
func (a *app) welcome(cmd *cobra.Command, s *server, loaded *config.Loaded, secret string) {
	key := fmt.Sprintf("order-%d", time.Now().UnixNano())
	fmt.Fprintf(cmd.OutOrStdout(), `payonce %[1]s is running

  API        %[2]s
  API key    %[3]s
  Data       %[4]s
  Stripe     %[5]s (a stand-in: no money moves)
  Charges    %[5]s/_sandbox/stats

Submit a payment:

  curl -s %[2]s/v1/payments -H 'Authorization: Bearer %[3]s' -H 'Idempotency-Key: %[6]s' -H 'Content-Type: application/json' -d '{"amount":1999,"currency":"eur","payment_method":"pm_card_visa","reference":"%[6]s"}'

Watch it, with the id from the answer:

  payonce payments watch pay_... --url %[2]s --data %[4]s

Stop with Ctrl-C. Logs follow on standard error.

`, a.version.Version, s.url(), secret, loaded.Data, s.settings.StripeURL, key)
}
