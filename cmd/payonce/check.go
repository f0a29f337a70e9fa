package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/payonce/payonce/config"
	"github.com/payonce/payonce/engine/embedded"
)

// finding is something that must not be.
type finding struct {
	Kind   string `json:"kind"`
	ID     string `json:"id,omitempty"` // payment id; empty where it is about no payment
	Detail string `json:"detail"`
}

// checked is the output of check.
type checked struct {
	Records  int       `json:"records"`
	Events   int       `json:"events"`
	Messages int       `json:"messages"`
	Charges  *int      `json:"charges,omitempty"` // with --sandbox
	Findings []finding `json:"findings"`
	More     int       `json:"more,omitempty"` // findings that are not listed
}

func (a *app) checkCommand() *cobra.Command {
	var asJSON bool
	var sandboxURL string
	cmd := &cobra.Command{
		Use: "check", Short: "Check the file and every promise that can be computed from it", Args: cobra.NoArgs,
		Long: `Check the integrity of the database file and every promise that can be computed from it: histories, holders of
references, that every open payment is somebody's to work on, that every outcome is published. It changes nothing and
may run beside a server. Exit code 6 if anything is found.

With --sandbox the payments are compared with the charges of the Stripe stand-in: each charge belongs to a succeeded
payment and the other way round, and no payment or purchase was charged twice. Stop submitting first.`,
		Example: "  payonce check\n  payonce check --sandbox http://127.0.0.1:12111 --json",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			loaded, err := a.settings(cmd)
			if err != nil {
				return err
			}
			reader, err := embedded.OpenReader(cmd.Context(), loaded.Data)
			if err != nil {
				return missing(err)
			}
			defer func() { err = errors.Join(err, reader.Close()) }()
			report, err := reader.Check(cmd.Context(), progressTo(cmd.ErrOrStderr(), "records"))
			if err != nil {
				return fmt.Errorf("check: %w", err)
			}
			out := checked{
				Records: report.Records, Events: report.Events, Messages: report.Messages, More: report.More, Findings: []finding{},
			}
			for _, f := range report.Findings {
				id := ""
				if !f.ID.IsZero() {
					id = f.ID.String()
				}
				out.Findings = append(out.Findings, finding{Kind: string(f.Kind), ID: id, Detail: f.Sentence})
			}
			if sandboxURL != "" {
				installation, err := installationOf(cmd.Context(), loaded.Data)
				if err != nil {
					return err
				}
				n, found, err := compareCharges(cmd.Context(), reader, installation, sandboxURL)
				if err != nil {
					return fmt.Errorf("compare with the Stripe stand-in: %w", err)
				}
				out.Charges = &n
				out.Findings = append(out.Findings, found...)
			}
			if err := printChecked(cmd, out, asJSON); err != nil {
				return err
			}
			if n := len(out.Findings) + out.More; n > 0 {
				return problems(n)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&sandboxURL, "sandbox", "", "address of the Stripe stand-in to compare with")
	jsonFlag(cmd, &asJSON)
	config.AddFlags(cmd.Flags())
	return cmd
}

func printChecked(cmd *cobra.Command, out checked, asJSON bool) error {
	if asJSON {
		return writeJSON(cmd.OutOrStdout(), out)
	}
	rows := make([][]string, 0, len(out.Findings))
	for _, f := range out.Findings {
		rows = append(rows, []string{f.Kind, f.ID, f.Detail})
	}
	if len(rows) > 0 {
		if err := table(cmd.OutOrStdout(), []string{"KIND", "PAYMENT", "FINDING"}, rows); err != nil {
			return err
		}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d records, %d events, %d messages", out.Records, out.Events, out.Messages)
	if out.Charges != nil {
		fmt.Fprintf(cmd.OutOrStdout(), ", %d charges at the stand-in", *out.Charges)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), ": %d findings\n", len(out.Findings)+out.More)
	return err
}
