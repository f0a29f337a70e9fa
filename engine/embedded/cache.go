package embedded

import (
	"sync"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// live is a stored record as the writer knows it. It never changes once others can see it.
type live struct {
	seq       int64
	tenant    int64
	state     idempotency.State
	version   uint64
	ref       string // column ref
	slot      int64
	due       idempotency.Instant
	attention bool

	// full says that record is the whole record, Request and Frozen included.
	full   bool
	record idempotency.Record
	hot    int // encoded size, bytes
	parts  int // likewise, of Request and Frozen; an estimate
}

// size is about what a record takes in memory, in bytes: three times its encoded form.
func (l *live) size() int { return 3*(l.hot+l.parts) + 512 }

// cache holds recent records, so that claim and settle read nothing. It shows committed records only: the writer
// puts them there after the commit. The oldest entries leave first. Safe for concurrent use.
type cache struct {
	limit int

	mu      sync.RWMutex
	entries map[events.ID]*live
	order   []events.ID // in the order of insertion, from head on; ids whose entry has gone may still be there
	head    int
	bytes   int
	epoch   uint64 // changes with every commit
}

func newCache(limit int) *cache {
	return &cache{limit: limit, entries: map[events.ID]*live{}}
}

func (c *cache) get(id events.ID) *live {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.entries[id]
}

// look is get, with the epoch at which it looked.
func (c *cache) look(id events.ID) (*live, uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.entries[id], c.epoch
}

// commit takes over what a batch has changed. Entries that are not full are only forgotten.
func (c *cache) commit(staged map[events.ID]*live) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	for id, l := range staged {
		if l.full {
			c.put(id, l)
		} else {
			c.drop(id)
		}
	}
}

// offer takes a record that was read from the file, unless a commit came since epoch: it might be an older one.
func (c *cache) offer(id events.ID, l *live, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch == epoch && c.entries[id] == nil {
		c.put(id, l)
	}
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	clear(c.entries)
	c.order, c.head, c.bytes = nil, 0, 0
}

func (c *cache) put(id events.ID, l *live) {
	if old := c.entries[id]; old != nil {
		c.bytes -= old.size()
	} else {
		c.order = append(c.order, id)
	}
	c.entries[id] = l
	c.bytes += l.size()
	for c.bytes > c.limit && c.head < len(c.order) {
		c.drop(c.order[c.head])
		c.head++
	}
	// Ids that left otherwise, or came twice, must not make the order grow without end.
	if c.head > len(c.order)/2 || len(c.order) > 2*len(c.entries)+1024 {
		c.compact()
	}
}

func (c *cache) drop(id events.ID) {
	if l := c.entries[id]; l != nil {
		c.bytes -= l.size()
		delete(c.entries, id)
	}
}

func (c *cache) compact() {
	kept := make([]events.ID, 0, len(c.entries)+len(c.entries)/2)
	seen := make(map[events.ID]bool, len(c.entries))
	for _, id := range c.order[c.head:] {
		if c.entries[id] != nil && !seen[id] {
			seen[id] = true
			kept = append(kept, id)
		}
	}
	c.order, c.head = kept, 0
}
