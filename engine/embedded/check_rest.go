package embedded

import (
	"database/sql"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// tally compares the sums with what was counted.
func (c *checker) tally() error {
	err := c.rows("SELECT tenant, state, n FROM tally", func(rows *sql.Rows) error {
		var tenant, state, n int64
		if err := rows.Scan(&tenant, &state, &n); err != nil {
			return err
		}
		key := [2]int64{tenant, state}
		if c.sums[key] != n {
			c.report.add(KindSum, events.ID{}, "Tenant %d has %d payments that are %s, the sum says %d.",
				tenant, c.sums[key], idempotency.State(state), n)
		}
		delete(c.sums, key)
		return nil
	})
	for key, n := range c.sums {
		c.report.add(KindSum, events.ID{}, "Tenant %d has %d payments that are %s, the sum is missing.",
			key[0], n, idempotency.State(key[1]))
	}
	return err
}

// messages looks for messages of nothing. A worker makes a letter of such a one and deletes it.
func (c *checker) messages() error {
	if err := c.tx.QueryRowContext(c.ctx, "SELECT count(*) FROM message").Scan(&c.report.Messages); err != nil {
		return err
	}
	return c.rows("SELECT op FROM busy WHERE NOT EXISTS (SELECT 1 FROM operation WHERE id = busy.op)", func(rows *sql.Rows) error {
		id, err := scanID(rows)
		if err == nil {
			c.report.add(KindMessage, id, "A message names a payment that does not exist.")
		}
		return err
	})
}

// events decodes every outcome and compares it with the payment it is of.
func (c *checker) events() error {
	return c.rows("SELECT e.pos, o.id, e.body FROM event e LEFT JOIN operation o ON o.seq = e.op ORDER BY e.pos",
		func(rows *sql.Rows) error {
			var pos int64
			var id, body []byte
			if err := rows.Scan(&pos, &id, &body); err != nil {
				return err
			}
			c.report.Events++
			o, err := decodeOutcome(body)
			switch {
			case err != nil:
				c.report.add(KindOutcome, events.ID{}, "Outcome %d cannot be decoded: %v.", pos, err)
			case len(id) != len(o.Payment) || events.ID(id) != o.Payment:
				c.report.add(KindOutcome, o.Payment, "Outcome %d is of a payment that does not exist.", pos)
			}
			return nil
		})
}

// letters looks for open letters whose payment does not need them.
func (c *checker) letters() error {
	return c.rows(`SELECT l.op, l.class, o.seq IS NOT NULL FROM letter l LEFT JOIN operation o ON o.id = l.op
		WHERE l.resolved IS NULL AND o.attention IS NULL`, func(rows *sql.Rows) error {
		var op []byte
		var class string
		var exists bool
		if err := rows.Scan(&op, &class, &exists); err != nil {
			return err
		}
		if !exists && class == string(idempotency.AttentionOrphan) || len(op) != len(events.ID{}) {
			return nil // of a message without a payment
		}
		c.report.add(KindLetter, events.ID(op), "A letter (%s) is open, but its payment needs no attention.", class)
		return nil
	})
}

func scanID(rows *sql.Rows) (id events.ID, err error) {
	var b []byte
	if err := rows.Scan(&b); err != nil {
		return id, err
	}
	copy(id[:], b)
	return id, nil
}
