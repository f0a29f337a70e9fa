package main

import (
	"errors"
	"testing"
	"time"
)

func TestCPUOf(t *testing.T) {
	// The name may hold spaces and parentheses.
	stat := "4711 (odd) name) S 1 4711 4711 0 -1 4194560 1 0 0 0 123 45 6 7 20 0 9 0 100 1 1 1"
	got, err := cpuOf(stat)
	if err != nil || got != 1680*time.Millisecond {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := cpuOf("4711 (x) S 1"); !errors.Is(err, errProc) {
		t.Errorf("a short line gave %v", err)
	}
}

func TestEntry(t *testing.T) {
	const status = "Name:\tpayonce\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\n"
	if n, err := entry(status, "VmRSS"); err != nil || n != 1024 {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := entry("rchar: 1\nwchar: 22\n", "wchar"); err != nil || n != 22 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := entry(status, "VmSwap"); !errors.Is(err, errProc) {
		t.Errorf("a missing entry gave %v", err)
	}
}

func TestMachineTime(t *testing.T) {
	busy, stolen, err := machineTime("cpu  1 2 3 400 50 6 7 8 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
	if err != nil || busy != 190*time.Millisecond || stolen != 80*time.Millisecond {
		t.Errorf("%s, %s, %v", busy, stolen, err)
	}
	for _, bad := range []string{"", "cpu 1 2", "cpu a b c d e f g h"} {
		if _, _, err := machineTime(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
