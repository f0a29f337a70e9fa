package embedded

import (
	"crypto/rand"
	"io"
	"log/slog"
	"time"
)

// Config of a Store.
type Config struct {
	// Dir is the folder; it is made if it does not exist. Required.
	Dir string
	// Clock tells the time. Default time.Now. A clock that does not run by itself needs Store.Poke after each change.
	Clock func() time.Time
	// Logger hears of what needs an operator. Default: nobody.
	Logger *slog.Logger
	// Rand is where the installation's id and secret come from. Default crypto/rand.
	Rand io.Reader
	// MaxBatch bounds how many tasks share a transaction. Default 512.
	MaxBatch int
	// CheckpointEvery is how many bytes of log make a passive checkpoint. Default 16 MiB.
	CheckpointEvery int64
	// LogLimit is how long the log may grow before the writer starts it over, in bytes. Default 64 MiB.
	LogLimit int64
	// CacheBytes bounds the records kept in memory, as estimated from their encoded size. Default 32 MiB.
	CacheBytes int
	// Hooks are for tests.
	Hooks Hooks
}

// Hooks make a store fail where a test wants it to. All run in the writer.
type Hooks struct {
	// BeforeCommit runs before each commit that writes. An error rolls the batch back and is its callers' answer.
	BeforeCommit func() error
	// AfterCommit runs when a commit is durable and before anybody hears of it. An error is its callers' answer.
	AfterCommit func() error
}

func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.MaxBatch <= 0 {
		c.MaxBatch = 512
	}
	if c.CheckpointEvery <= 0 {
		c.CheckpointEvery = 16 << 20
	}
	if c.LogLimit <= 0 {
		c.LogLimit = 64 << 20
	}
	if c.CacheBytes <= 0 {
		c.CacheBytes = 32 << 20
	}
	return c
}
