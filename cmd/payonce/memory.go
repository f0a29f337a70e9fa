package main

import (
	"os"
	"runtime/debug"
)

// collectAt is how much the heap of a server grows, in percent, before it is collected. What lives is small (some tens
// of megabytes with a million payments waiting), so memory is cheaper here than the collector's time.
const collectAt = 300

// tuneMemory sets that, unless the operator has set GOGC or GOMEMLIMIT.
func tuneMemory() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(collectAt)
	}
}
