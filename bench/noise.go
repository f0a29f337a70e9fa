package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// noise is what else the machine did during a measure, as shares of all its cores. Processor time is not immune to
// company: caches, clock rates and the batches that form in a queue all change with it.
type noise struct {
	Others float64 `json:"others"` // processes that are not of this program, and the kernel's own work
	Stolen float64 `json:"stolen"` // taken by the host of a virtual machine
}

func (n noise) String() string {
	return fmt.Sprintf("meanwhile others used %.0f %% of the cores, the host took %.0f %%", 100*n.Others, 100*n.Stolen)
}

// moment is the machine's and this program's processor time so far.
type moment struct {
	at                time.Time
	busy, stolen, own time.Duration
}

// listen begins to listen. The returned function ends it; children that still run then count as others.
func listen() (func() (noise, error), error) {
	from, err := now()
	if err != nil {
		return nil, err
	}
	return func() (noise, error) {
		to, err := now()
		all := float64(to.at.Sub(from.at)) * float64(runtime.NumCPU())
		return noise{
			Others: max(0, float64((to.busy-from.busy)-(to.own-from.own))/all),
			Stolen: float64(to.stolen-from.stolen) / all,
		}, err
	}, nil
}

func now() (m moment, err error) {
	m.at = time.Now()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return m, fmt.Errorf("%w: %w", errProc, err)
	}
	if m.busy, m.stolen, err = machineTime(string(text)); err != nil {
		return m, err
	}
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			return m, err
		}
		m.own += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return m, nil
}

// machineTime reads the first line of /proc/stat: cpu user nice system idle iowait irq softirq steal ...
func machineTime(stat string) (busy, stolen time.Duration, err error) {
	head, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(head)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, 0, errProc
	}
	var ticks [8]time.Duration
	for i := range ticks {
		n, convErr := strconv.ParseInt(fields[i+1], 10, 64)
		err = errors.Join(err, convErr)
		ticks[i] = time.Duration(n) * tick
	}
	return ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6], ticks[7], err
}
