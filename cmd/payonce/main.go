// Command payonce accepts payment events, keeps each one safe, and charges it through Stripe at most once.
//
//	payonce dev                            everything on this machine, with a Stripe stand-in
//	payonce serve                          the same against Stripe
//	payonce help                           all commands; each has an example
//
// Commands are in one file each. server.go wires the packages together, exit.go has the exit codes.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version and commit are set by the linker.
var version, commit string

func main() {
	tuneMemory()
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel() // the first asks to finish
		<-signals
		os.Exit(exitSignal) // the second does not
	}()
	app := &app{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ(),
		version: buildVersion(version, commit),
	}
	code := app.run(ctx, os.Args[1:])
	cancel()
	os.Exit(code)
}
