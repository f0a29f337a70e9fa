package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/payonce/payonce/config"
)

// app is what a run of the program has of its surroundings, so that a test can run the whole of it.
type app struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
	version  versionInfo

	// onReady hears of a server that has started. Nil: nobody.
	onReady func(*server)

	ran bool // a command began: what fails from then on is not the usage
}

// run executes one command line and gives the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	code := exitCode(err)
	var quiet *quietError
	switch {
	case errors.As(err, &quiet): // its message is in the output already
	case !a.ran || errors.Is(err, config.ErrSetting) || code == exitUsage:
		code = exitUsage
		fmt.Fprintf(a.err, "payonce: %v\nSee `%s --help`.\n", err, cmd.CommandPath())
	default:
		fmt.Fprintf(a.err, "payonce: %v\n", err)
	}
	return code
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "payonce",
		Short: "Charge every payment at most once",
		Long: `payonce accepts payment events, keeps each one safe, and charges it through Stripe at most once.

Start with ` + "`payonce dev`" + `: API, workers and a Stripe stand-in in one process, and a curl line to paste.`,
		Example:           "  payonce dev\n  payonce payments list --state succeeded\n  payonce doctor",
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRun:  func(*cobra.Command, []string) { a.ran = true },
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	groups := []struct {
		id, title string
		commands  []*cobra.Command
	}{
		{"run", "Run:", []*cobra.Command{a.devCommand(), a.serveCommand(), a.sandboxCommand()}},
		{"use", "Use the API:", []*cobra.Command{
			a.submitCommand(), a.cancelCommand(), a.paymentsCommand(), a.eventsCommand(), a.overviewCommand(),
		}},
		{"admin", "Administer a data folder:", []*cobra.Command{
			a.keysCommand(), a.doctorCommand(), a.checkCommand(), a.backupCommand(), a.restoreCommand(), a.configCommand(),
			a.awsCommand(),
		}},
	}
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, c := range g.commands {
			c.GroupID = g.id
			root.AddCommand(c)
		}
	}
	root.AddCommand(a.versionCommand(), exitCodesTopic())
	return root
}

// settings loads the configuration of a command whose flags were added with config.AddFlags.
func (a *app) settings(cmd *cobra.Command) (*config.Loaded, error) {
	return config.Load(config.Sources{Flags: cmd.Flags(), Environ: a.environ})
}
