package embedded

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/google/uuid"

	"github.com/payonce/payonce/engine"
	"github.com/payonce/payonce/idempotency"
)

// Meta tells what the folder knows of itself.
func (s *Store) Meta() engine.Meta { return s.meta }

// The names in table meta.
const (
	metaInstallation = "installation"
	metaSecret       = "secret"
	metaGeneration   = "generation"
	metaBoot         = "boot"
	metaCreated      = "created"
	metaTakenAt      = "taken_at"
	metaGateFrom     = "gate_from"
	metaGateOldest   = "gate_oldest"
	metaGateTo       = "gate_to"
	metaPruned       = "events_pruned"
	metaAccount      = "stripe_account"
	metaMode         = "stripe_mode"
)

// metaRows reads all of table meta.
func metaRows(l *link) (map[string][]byte, error) {
	s, err := l.prepare("SELECT name, value FROM meta")
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.close() }()
	rows := map[string][]byte{}
	err = s.each(func(row []driver.Value) bool {
		rows[text(row[0])] = blob(row[1])
		return true
	})
	return rows, err
}

func parseMeta(rows map[string][]byte) (engine.Meta, error) {
	var m engine.Meta
	id, err := uuid.FromBytes(rows[metaInstallation])
	if err != nil || len(rows[metaSecret]) != len(m.Secret) {
		return m, fmt.Errorf("%w: the installation's id or secret is missing", ErrCorrupt)
	}
	m.Installation, m.Secret = id, engine.Secret(rows[metaSecret])
	m.Generation, m.Boot = number(rows[metaGeneration]), number(rows[metaBoot])
	m.Created = idempotency.Instant(number(rows[metaCreated]))
	m.TakenAt = idempotency.Instant(number(rows[metaTakenAt]))
	return m, nil
}

// Numbers in table meta are eight bytes, the highest first.
func number(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

func numberBytes(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func setMeta(l *link, name string, value []byte) error {
	s, err := l.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)")
	if err != nil {
		return err
	}
	defer func() { _ = s.close() }()
	_, err = s.exec(name, value)
	return err
}

// boot draws the installation's id and secret if the folder is new, counts the boot and reads the whole.
func boot(l *link, random io.Reader, now idempotency.Instant) (m engine.Meta, err error) {
	if err := l.run("BEGIN IMMEDIATE"); err != nil {
		return m, err
	}
	defer func() {
		if err != nil {
			_ = l.run("ROLLBACK") // the connection is closed next
		}
	}()
	rows, err := metaRows(l)
	if err != nil {
		return m, err
	}
	if len(rows) == 0 {
		id, err := uuid.NewRandomFromReader(random)
		if err != nil {
			return m, fmt.Errorf("drawing the installation's id: %w", err)
		}
		rows[metaInstallation], rows[metaSecret] = id[:], make([]byte, len(m.Secret))
		if _, err := io.ReadFull(random, rows[metaSecret]); err != nil {
			return m, fmt.Errorf("drawing the installation's secret: %w", err)
		}
		rows[metaGeneration], rows[metaCreated] = numberBytes(1), numberBytes(uint64(now))
		for _, name := range []string{metaInstallation, metaSecret, metaGeneration, metaCreated} {
			if err := setMeta(l, name, rows[name]); err != nil {
				return m, err
			}
		}
	}
	rows[metaBoot] = numberBytes(number(rows[metaBoot]) + 1)
	if err := setMeta(l, metaBoot, rows[metaBoot]); err != nil {
		return m, err
	}
	if m, err = parseMeta(rows); err != nil {
		return m, err
	}
	return m, l.run("COMMIT")
}

// gateOf reads the window that a restored ledger may have forgotten; nil if there is none.
func gateOf(rows map[string][]byte) *idempotency.Window {
	if rows[metaGateTo] == nil {
		return nil
	}
	return &idempotency.Window{
		From: idempotency.Instant(number(rows[metaGateFrom])), To: idempotency.Instant(number(rows[metaGateTo])),
		Oldest: idempotency.Instant(number(rows[metaGateOldest])),
	}
}

// CloseGate forgets the window of Gate, durably: it has been swept.
func (s *Store) CloseGate(ctx context.Context) error {
	return s.submit(ctx, newErrand(func(b *batch) error {
		return b.w.link.run("DELETE FROM meta WHERE name IN ('" + metaGateFrom + "', '" + metaGateOldest + "', '" + metaGateTo + "')")
	}))
}
