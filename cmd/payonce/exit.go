package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// The exit codes. They are part of the contract with scripts.
const (
	exitOK        = 0
	exitError     = 1
	exitUsage     = 2
	exitNotFound  = 3
	exitRefused   = 4
	exitUndecided = 5
	exitProblems  = 6
	exitSignal    = 130
)

// codedError carries the exit code of what it wraps.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// quietError is a failure that the command has already shown in its output.
type quietError struct{ what string }

func (e *quietError) Error() string { return e.what }

func coded(code int, err error) error {
	if err == nil {
		return nil
	}
	return &codedError{code: code, err: err}
}

func usage(format string, args ...any) error {
	return coded(exitUsage, fmt.Errorf(format, args...))
}

// problems ends a command that found something and said what.
func problems(count int) error {
	return coded(exitProblems, &quietError{what: fmt.Sprintf("%d problems found", count)})
}

func exitCode(err error) int {
	var c *codedError
	if errors.As(err, &c) {
		return c.code
	}
	return exitError
}

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long: `Exit codes:

    0  done
    1  error: the message says what to do
    2  usage: an unknown command or flag, a bad argument, or a bad setting
    3  not found: no such payment, key or file
    4  refused: the request is invalid or in conflict with what is stored; repeating it changes nothing
    5  undecided: it is not known whether the request took effect; repeat it with the same key
    6  problems found: by doctor or check
  130  a second signal ended the process before it had finished`,
		Example: "  payonce submit --key order-1 --amount 1000 --currency eur --payment-method pm_card_visa || echo \"exit code $?\"",
	}
}
