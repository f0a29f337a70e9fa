package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/payonce/payonce/config"
)

func (a *app) keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "keys", Short: "Create, list and revoke API keys",
		Long: `Create, list and revoke API keys: through data/admin.sock if a server runs on the data folder, else in the file
itself. Whoever may open the folder may do this.`,
		Example: "  payonce keys create --tenant shop --principal checkout",
		Args:    cobra.NoArgs,
		RunE:    needSubcommand,
	}
	cmd.AddCommand(a.keysCreateCommand(), a.keysListCommand(), a.keysRevokeCommand())
	return cmd
}

// needSubcommand answers a group of commands that was called without one.
func needSubcommand(cmd *cobra.Command, _ []string) error {
	return errors.Join(cmd.Help(), coded(exitUsage, &quietError{what: "a subcommand is missing"}))
}

func (a *app) keysCreateCommand() *cobra.Command {
	var n newKey
	var asJSON bool
	cmd := &cobra.Command{
		Use: "create", Short: "Create an API key and show it, once", Args: cobra.NoArgs,
		Long: `Create an API key and show it, once: only its hash is stored.

A key acts for one principal (a person or a service) of one tenant. The role "producer" submits, cancels and reads
payments of the tenant; "admin" may also do what operators do.`,
		Example: "  payonce keys create --tenant shop --principal checkout\n" +
			"  PAYONCE_API_KEY=$(payonce keys create --tenant shop --principal checkout --json | jq -r .secret)",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if n.Tenant == "" || n.Principal == "" {
				return usage("name --tenant and --principal")
			}
			return a.administer(cmd, true, func(ctx context.Context, admin administrator) error {
				k, err := admin.CreateKey(ctx, n)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(cmd.OutOrStdout(), k)
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n\nThis is %s, %s key of %s of tenant %s. It is not shown again.\n",
					k.Secret, k.ID, k.Role, k.Principal, k.Tenant)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&n.Tenant, "tenant", "", "tenant that the key belongs to")
	cmd.Flags().StringVar(&n.Principal, "principal", "", "person or service that the key acts for")
	cmd.Flags().StringVar(&n.Role, "role", "producer", "producer or admin")
	jsonFlag(cmd, &asJSON)
	config.AddFlags(cmd.Flags())
	return cmd
}

func (a *app) keysListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List API keys, without their secrets", Args: cobra.NoArgs,
		Example: "  payonce keys list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.administer(cmd, false, func(ctx context.Context, admin administrator) error {
				all, err := admin.ListKeys(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(cmd.OutOrStdout(), map[string]any{"keys": all})
				}
				rows := make([][]string, 0, len(all))
				for _, k := range all {
					state := "active"
					if k.Revoked != nil {
						state = "revoked " + stamp(*k.Revoked)
					}
					rows = append(rows, []string{k.ID, k.Tenant, k.Principal, k.Role, "…" + k.Hint, stamp(k.Created), state})
				}
				return table(cmd.OutOrStdout(), []string{"ID", "TENANT", "PRINCIPAL", "ROLE", "ENDS IN", "CREATED", "STATE"}, rows)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	config.AddFlags(cmd.Flags())
	return cmd
}

func (a *app) keysRevokeCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "revoke KEY_ID", Short: "Revoke an API key, at once and for ever", Args: cobra.ExactArgs(1),
		Example: "  payonce keys revoke key_0123456789abcdef",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.administer(cmd, false, func(ctx context.Context, admin administrator) error {
				if err := admin.RevokeKey(ctx, args[0]); err != nil {
					return err
				}
				if asJSON {
					return writeJSON(cmd.OutOrStdout(), map[string]any{"id": args[0], "revoked": true})
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s is revoked.\n", args[0])
				return err
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	config.AddFlags(cmd.Flags())
	return cmd
}

// administer runs an administrative command on the data folder of the settings.
func (a *app) administer(cmd *cobra.Command, create bool, do func(context.Context, administrator) error) (err error) {
	loaded, err := a.settings(cmd)
	if err != nil {
		return err
	}
	admin, err := administer(cmd.Context(), loaded.Data, create)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, admin.Close()) }()
	return do(cmd.Context(), admin)
}
