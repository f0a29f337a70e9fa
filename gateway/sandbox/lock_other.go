//go:build !unix

package sandbox

import "os"

// lockFile does nothing where there is no flock: do not open a journal twice.
func lockFile(*os.File) error { return nil }

// syncFolder does nothing where folders cannot be synced.
func syncFolder(string) error { return nil }
