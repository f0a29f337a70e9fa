package main

import (
	"github.com/spf13/cobra"

	"github.com/payonce/payonce/config"
)

func (a *app) configCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "config", Short: "Print the effective settings and where each came from", Args: cobra.NoArgs,
		Long: `Print the effective settings as YAML that can be used as a file, with the meaning of each and where its
value came from. The command line wins over the environment, that over the YAML file, that over the default.
Secrets are hidden.`,
		Example: "  payonce config\n  PAYONCE_WORKERS=8 payonce config --config payonce.yaml --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := a.settings(cmd)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), loaded.Entries())
			}
			return loaded.WriteYAML(cmd.OutOrStdout())
		},
	}
	config.AddFlags(cmd.Flags(), config.Dev, config.Client)
	jsonFlag(cmd, &asJSON)
	return cmd
}
