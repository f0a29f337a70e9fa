package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/payonce/payonce/config"
	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/idempotency"
)

func (a *app) restoreCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "Make a data folder from a backup", Args: cobra.ExactArgs(1),
		Long: `Make a data folder from a backup. The folder must be empty or not exist, and no server may run on it.

The backup has forgotten what was charged after it was taken. Therefore the restored server asks Stripe before each
first attempt, and adopts what Stripe shows, until it has seen the whole window from the backup to now; that takes at
least 15 minutes, and apps need not wait for it. Stop the old server for good before you start the restored one.`,
		Example: "  payonce restore /backup/payonce-2026-01-31.db --data /var/lib/payonce",
		RunE: func(cmd *cobra.Command, args []string) error {
			loaded, err := a.settings(cmd)
			if err != nil {
				return err
			}
			if err := empty(loaded.Data); err != nil {
				return err
			}
			r, err := embedded.Restore(cmd.Context(), args[0], loaded.Data, time.Now())
			var locked *embedded.LockedError
			switch {
			case errors.As(err, &locked), errors.Is(err, embedded.ErrExists):
				return coded(exitRefused, err)
			case err != nil:
				return missing(err)
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), map[string]any{
					"data": loaded.Data, "generation": r.Meta.Generation, "installation": r.Meta.Installation,
					"taken_at": r.Meta.TakenAt.Time(), "window": map[string]time.Time{"from": r.Gate.From.Time(), "to": r.Gate.To.Time()},
				})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), `%s is restored, generation %d, as of %s.

Start the server on it. Until about %s it asks Stripe before each first attempt; its log says when it is done.
`, loaded.Data, r.Meta.Generation, stamp(r.Meta.TakenAt.Time()), stamp(r.Gate.To.Add(idempotency.Quiet).Time()))
			return err
		},
	}
	jsonFlag(cmd, &asJSON)
	config.AddFlags(cmd.Flags())
	return cmd
}

// empty refuses a folder that has anything in it: a restore never mixes with what is there.
func empty(folder string) error {
	entries, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look into the target folder: %w", err)
	case len(entries) > 0:
		return coded(exitRefused, fmt.Errorf("the folder %s is not empty: choose another with --data, or move it away", folder))
	}
	return nil
}
