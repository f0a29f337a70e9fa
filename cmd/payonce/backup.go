package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/payonce/payonce/config"
)

func (a *app) backupCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "backup FILE", Short: "Write a backup of the data folder while payments go on", Args: cobra.ExactArgs(1),
		Long: `Write a backup of the data folder to a file that does not exist yet, while payments go on. The file is complete and
on the disk when the command ends with 0. It holds the installation's secret and the hashes of the API keys: keep it
as safe as the data folder.`,
		Example: "  payonce backup /backup/payonce-$(date +%F).db",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.administer(cmd, false, func(ctx context.Context, admin administrator) error {
				if err := admin.Backup(ctx, args[0], progressTo(cmd.ErrOrStderr(), "pages")); err != nil {
					return err
				}
				if asJSON {
					return writeJSON(cmd.OutOrStdout(), map[string]string{"file": args[0]})
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "The backup is %s.\n", args[0])
				return err
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	config.AddFlags(cmd.Flags())
	return cmd
}

// progressTo prints progress at most once a second, so that a log of it stays short.
func progressTo(w io.Writer, what string) func(done, total int) {
	var mu sync.Mutex
	last := time.Now()
	return func(done, total int) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(last) >= time.Second {
			last = now
			fmt.Fprintf(w, "%d of %d %s\n", done, total, what)
		}
	}
}
