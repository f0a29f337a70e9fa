package memory

import (
	"maps"
	"slices"

	"github.com/payonce/payonce/events"
)

// Backup is a copy of a Store at one moment.
type Backup struct{ s *Store }

// Backup copies what a durable engine would have on its disk. Deliveries under way are not: their messages are visible
// in the copy.
func (s *Store) Backup() *Backup {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Backup{s.copied(s.config)}
}

// Restore opens a copy of the backup. Config.Gate is the window that it may have forgotten.
func Restore(b *Backup, c Config) *Store {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	s := b.s.copied(c)
	s.gate = c.Gate
	return s
}

// copied shares nothing with s that either of them changes: entries and messages are replaced, records are values whose
// parts are never written to.
func (s *Store) copied(c Config) *Store {
	n := Open(c)
	n.lastMID, n.deliveries = s.lastMID, s.deliveries
	n.records = make(map[events.ID]*entry, len(s.records))
	for _, e := range s.order {
		copied := *e
		n.records[copied.record.ID] = &copied
		n.order = append(n.order, &copied)
	}
	n.holders = maps.Clone(s.holders)
	now := n.config.Clock()
	for _, m := range s.messages {
		copied := *m
		if copied.inFlight && copied.hiddenUntil.After(now) {
			copied.hiddenUntil = now
		}
		copied.inFlight, copied.delivery = false, 0
		n.messages = append(n.messages, &copied)
	}
	n.feed, n.letters, n.keys = slices.Clone(s.feed), slices.Clone(s.letters), slices.Clone(s.keys)
	return n
}
