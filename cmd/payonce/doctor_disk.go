package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

const (
	spaceFail = 256 << 20 // bytes
	spaceWarn = 2 << 30

	syncRounds = 40
	syncBytes  = 4096
	// A device that keeps what it was told to keep needs tens of microseconds at the least; battery-backed caches and
	// the fastest flash come close to this, memory that forgets stays far below it.
	syncTooFast = 15 * time.Microsecond
	syncSlow    = 50 * time.Millisecond
)

// examineFolder looks at the data folder: rights, room, and what a sync costs.
func examineFolder(data string) []examination {
	info, err := os.Stat(data)
	if errors.Is(err, fs.ErrNotExist) {
		parent := filepath.Dir(filepath.Clean(data))
		if err := writable(parent); err != nil {
			return []examination{fail("folder", "make it, or choose another with --data", "%s does not exist and cannot be made: %v", data, err)}
		}
		return []examination{ok("folder", "%s does not exist yet; the first start makes it", data)}
	}
	if err == nil && !info.IsDir() {
		err = errors.New("not a folder")
	}
	if err == nil {
		err = writable(data)
	}
	if err != nil {
		return []examination{fail("folder", "give the user that runs payonce a folder that it may write to", "%s: %v", data, err)}
	}
	all := []examination{ok("folder", "%s is writable", data)}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		all[0] = warn("folder", "chmod 700 "+data+": it holds the installation's secret", "others than the owner may open %s (%o)", data, mode)
	}
	return append(all, examineSpace(data), examineSync(data))
}

// writable makes a file and removes it.
func writable(folder string) error {
	f, err := os.CreateTemp(folder, ".doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

func examineSpace(data string) examination {
	var st unix.Statfs_t
	if err := unix.Statfs(data, &st); err != nil {
		return warn("space", "look yourself", "cannot be told: %v", err)
	}
	free := int64(st.Bavail) * int64(st.Bsize) //nolint:unconvert // the types differ between systems
	text := fmt.Sprintf("%.1f GB free", float64(free)/1e9)
	switch remedy := "make room: a full disk stops accepting, nothing is lost"; {
	case free < spaceFail:
		return fail("space", remedy, "%s", text)
	case free < spaceWarn:
		return warn("space", remedy, "%s", text)
	}
	return ok("space", "%s", text)
}

func examineSync(data string) examination {
	times, err := measureSync(data)
	if err != nil {
		return fail("disk sync", "the disk must take a sync, every accepted payment rests on it", "%v", err)
	}
	return judgeSync(times)
}

// judgeSync reads sorted times of single syncs.
func judgeSync(times []time.Duration) examination {
	p50, p99 := times[len(times)/2], times[len(times)*99/100]
	text := fmt.Sprintf("4 KiB written and synced: p50 %s, p99 %s", p50.Round(time.Microsecond), p99.Round(time.Microsecond))
	switch {
	case p50 < syncTooFast:
		return warn("disk sync", "make sure that the disk keeps what is synced when the power fails; a memory file system or a cache without battery does not",
			"%s: implausibly fast", text)
	case p50 > syncSlow:
		return warn("disk sync", "use a faster disk: each accept waits for one sync", "%s", text)
	}
	return ok("disk sync", "%s", text)
}

// measureSync appends and syncs, as the store's log does, and returns the sorted times.
func measureSync(folder string) (times []time.Duration, err error) {
	f, err := os.CreateTemp(folder, ".doctor-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	block := make([]byte, syncBytes)
	for range syncRounds {
		began := time.Now()
		if _, err := f.Write(block); err != nil {
			return nil, err
		}
		if err := syncData(f); err != nil {
			return nil, err
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	return times, nil
}

// lockHeld reports whether another process holds a lock file; one that does not exist is held by nobody.
func lockHeld(path string) (held bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }() // and lets go of the lock
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}
