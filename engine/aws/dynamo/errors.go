package dynamo

import "errors"

// Errors of a Ledger, besides those of package idempotency.
var (
	// ErrCorrupt: an item of the table is not what this package writes.
	ErrCorrupt = errors.New("an item of the DynamoDB table is damaged: restore the table to a moment before, or ask for help")
	// ErrNoTable: the table does not exist in this account and region, or is still being made.
	ErrNoTable = errors.New("the DynamoDB table is not there: check name, account and region, or create it")
	// ErrNoInstallation: nobody has booted on this table yet.
	ErrNoInstallation = errors.New("the DynamoDB table is new: no payonce has been started on it")
	// ErrContended: a reference or a list changed hands each time this process tried to take its turn.
	ErrContended = errors.New("others were faster each time: try again")
	// ErrChange: a Change that no engine could carry out; a bug of the caller.
	ErrChange = errors.New("the change is malformed")
	// ErrParts: Commit was given messages or an outcome, which only a whole engine can carry out.
	ErrParts = errors.New("this ledger carries out no messages and no outcomes")
)
