package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is what the kernel has counted for a process so far.
type usage struct {
	CPU     time.Duration // user and system, in ticks of 10 ms
	Given   int64         // bytes given to write calls (wchar), sockets included
	Written int64         // bytes that went, or will go, to a disk (write_bytes): whole pages of 4 KiB
	RSS     int64         // bytes
	Peak    int64         // highest RSS, bytes
}

var errProc = errors.New("/proc says nothing of it: only Linux is measured")

// tick is the unit of /proc/<pid>/stat on Linux (USER_HZ is 100 on every architecture that Go runs on).
const tick = 10 * time.Millisecond

// usageOf reads /proc.
func usageOf(pid int) (usage, error) {
	var u usage
	dir := "/proc/" + strconv.Itoa(pid) + "/"
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return u, fmt.Errorf("%w: %w", errProc, err)
	}
	if u.CPU, err = cpuOf(string(stat)); err != nil {
		return u, err
	}
	for _, f := range []struct {
		file, name string
		into       *int64
		unit       int64
	}{
		{"io", "wchar", &u.Given, 1},
		{"io", "write_bytes", &u.Written, 1},
		{"status", "VmRSS", &u.RSS, 1024},
		{"status", "VmHWM", &u.Peak, 1024},
	} {
		text, err := os.ReadFile(dir + f.file)
		if err != nil {
			return u, fmt.Errorf("%w: %w", errProc, err)
		}
		n, err := entry(string(text), f.name)
		if err != nil {
			return u, err
		}
		*f.into = n * f.unit
	}
	return u, nil
}

// cpuOf reads utime and stime, the 14th and 15th field of a stat line. The second is a name in parentheses that may
// hold anything.
func cpuOf(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, errProc
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}

// entry reads "name: number" of a file with one such a line.
func entry(text, name string) (int64, error) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			return strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		}
	}
	return 0, fmt.Errorf("%w: no %s", errProc, name)
}
