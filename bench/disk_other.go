//go:build !linux

package main

import (
	"errors"
	"os"
)

func fdatasync(f *os.File) error { return f.Sync() }

func forget(*os.File) error { return errors.ErrUnsupported }

func freeBytes(string) (int64, error) { return 0, errors.ErrUnsupported }

func onDisk(string) error { return nil }
