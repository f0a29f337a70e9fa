package embedded

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// Errors of a Store. Each sentence says what to do.
var (
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("the store is closed")
	// ErrBroken: an earlier write failed in a way that leaves the state of the disk unknown. Reads still work.
	ErrBroken = errors.New("the store refuses to write after a disk failure: check the disk, then restart")
	// ErrFull: the disk is full. Nothing of the batch was stored; writes work again once there is room.
	ErrFull = errors.New("the disk is full: make room, payonce goes on by itself")
	// ErrReadOnly: the folder or the file cannot be written to.
	ErrReadOnly = errors.New("the data folder is read-only: give the user that runs payonce the right to write to it")
	// ErrCorrupt: the file is not a database, or damaged.
	ErrCorrupt = errors.New("the database file is damaged: keep a copy of the folder, then restore the latest backup")
	// ErrForeign: the file is a database, but not one of payonce.
	ErrForeign = errors.New("the file is not a payonce database: choose another data folder")
	// ErrMissing: there is no database in the folder.
	ErrMissing = errors.New("there is no payonce database in the folder: check the path")
	// ErrExists: the target of a backup or restore exists already.
	ErrExists = errors.New("the target exists already: choose another, nothing is overwritten")
	// ErrLimit: a call is outside of the limits that package queue sets.
	ErrLimit = errors.New("outside of the limits of the queue")
	// ErrChange: a Change that no engine could carry out; a bug of the caller.
	ErrChange = errors.New("the change is malformed")
)

// LockedError tells that another process writes to the folder.
type LockedError struct {
	Dir string
	PID int // of the other process; 0 if it is not known
}

// Error names the folder, and the process if it is known.
func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("another process is using the data folder %s: stop it, or choose another folder", e.Dir)
	}
	return fmt.Sprintf("process %d is using the data folder %s: stop it, or choose another folder", e.PID, e.Dir)
}

// VersionError tells that a newer payonce wrote the file.
type VersionError struct {
	File, Known int // schema versions
}

// Error names both versions.
func (e *VersionError) Error() string {
	return fmt.Sprintf("the database has schema version %d, this payonce knows %d: run the newer payonce", e.File, e.Known)
}

// PageSizeError tells that the file was made with another page size, for example by a VACUUM by hand.
type PageSizeError struct {
	Got int // bytes
}

// Error names both sizes.
func (e *PageSizeError) Error() string {
	return fmt.Sprintf("the database has pages of %d bytes, payonce needs %d: restore a backup that payonce made", e.Got, pageSize)
}

// code is the primary result code of an SQLite error, 0 for others.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// explain puts the sentinel of its kind before an SQLite error.
func explain(err error) error {
	switch code(err) {
	case lib.SQLITE_FULL:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case lib.SQLITE_READONLY, lib.SQLITE_PERM:
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}

// breaks reports whether a failed write leaves the state of the disk unknown.
func breaks(err error) bool {
	switch code(err) {
	case lib.SQLITE_IOERR, lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB, lib.SQLITE_CANTOPEN, lib.SQLITE_PROTOCOL:
		return true
	}
	return errors.Is(err, errDisk)
}

// errDisk stands for a failed sync in tests.
var errDisk = errors.New("the disk failed")

// storage reports whether the fault lies with the disk or the memory, not with one task of the batch.
func storage(err error) bool {
	switch code(err) {
	case lib.SQLITE_FULL, lib.SQLITE_READONLY, lib.SQLITE_NOMEM, lib.SQLITE_BUSY:
		return true
	}
	return breaks(err)
}
