package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData is fdatasync: the file's bytes and size.
func syncData(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }
