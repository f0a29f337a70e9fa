package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// report is what -json writes.
type report struct {
	Machine  machine  `json:"machine"`
	Measures []*table `json:"measures"`
}

// machine is where the figures come from.
type machine struct {
	Time   time.Time `json:"time"`
	Cores  int       `json:"cores"`
	Go     string    `json:"go"`
	System string    `json:"system"`
	Kernel string    `json:"kernel"`
	Load   string    `json:"load"` // load average before the first measure
	Disk   latencies `json:"disk_fdatasync"`
}

func (m machine) String() string {
	return fmt.Sprintf("%s, %d cores, %s, %s, kernel %s, load average %s before; disk: append of 4 KiB + fdatasync p50 %.2f ms, p99 %.2f ms",
		m.Time.Format("2006-01-02 15:04 MST"), m.Cores, m.Go, m.System, m.Kernel, m.Load, m.Disk.P50/1000, m.Disk.P99/1000)
}

// look describes the machine, and tries its disk for two seconds.
func (b *bench) look(ctx context.Context) (machine, error) {
	m := machine{
		Time: time.Now(), Cores: runtime.NumCPU(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Kernel: line("/proc/sys/kernel/osrelease"), Load: strings.Join(first(strings.Fields(line("/proc/loadavg")), 3), " "),
	}
	disk, err := ask[syncAnswer](ctx, b, partSync, syncOrder{Dir: b.dir, Seconds: 2, Bytes: syncBytes})
	m.Disk = disk.Latency
	return m, err
}

func line(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

func first(words []string, n int) []string { return words[:min(n, len(words))] }

// table is one measure.
type table struct {
	Name    string     `json:"name"`
	Title   string     `json:"title"`
	Load    string     `json:"load"` // what was done, how often
	Noise   noise      `json:"noise"`
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
	Notes   []string   `json:"notes,omitempty"`
	Data    any        `json:"data"` // the figures of each round
}

func (t *table) row(cells ...string) { t.Rows = append(t.Rows, cells) }

func (t *table) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

func (t *table) write(to io.Writer, m machine) error {
	fmt.Fprintf(to, "\n## %s\n\nload:    %s\nmachine: %s\nnoise:   %s\nfigures: median of the rounds (lowest-highest); ratios are taken within a round\n\n",
		t.Title, t.Load, m, t.Noise)
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(t.Columns, "\t"))
	for _, r := range t.Rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, n := range t.Notes {
		fmt.Fprintf(to, "- %s\n", n)
	}
	return nil
}
