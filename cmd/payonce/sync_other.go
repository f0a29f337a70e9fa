//go:build !linux

package main

import "os"

// syncData syncs the whole file; on macOS Go asks the device itself (F_FULLFSYNC).
func syncData(f *os.File) error { return f.Sync() }
