package embedded

import (
	"bytes"
	"context"
	"database/sql"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// recordRow is a row of table operation and whether its parts exist.
type recordRow struct {
	seq, tenant     int64
	name            string // of the tenant
	id, ref         []byte
	hot, base       []byte
	state           idempotency.State
	version         uint64
	created, due    idempotency.Instant
	slot            sql.NullInt64
	attention       bool
	request, frozen bool
}

// records checks every record. Queries inside the loop share the view: they run on the same connection.
func (c *checker) records(progress func(done, total int)) error {
	var total int
	if err := c.tx.QueryRowContext(c.ctx, "SELECT count(*) FROM operation").Scan(&total); err != nil {
		return err
	}
	return c.rows(`SELECT o.seq, o.tenant, coalesce(t.name, ''), o.id, o.ref, o.hot, g.base, o.state, o.version, o.created,
		coalesce(o.due, 0), o.slot, o.attention IS NOT NULL, g.request IS NOT NULL, f.seq IS NOT NULL
		FROM operation o LEFT JOIN tenant t ON t.no = o.tenant
		LEFT JOIN origin g ON g.seq = o.seq LEFT JOIN frozen f ON f.seq = o.seq ORDER BY o.seq`,
		func(rows *sql.Rows) error {
			var o recordRow
			if err := rows.Scan(&o.seq, &o.tenant, &o.name, &o.id, &o.ref, &o.hot, &o.base, &o.state, &o.version, &o.created,
				&o.due, &o.slot, &o.attention, &o.request, &o.frozen); err != nil {
				return err
			}
			c.report.Records++
			c.sums[[2]int64{o.tenant, int64(o.state)}]++
			if progress != nil && (c.report.Records%1000 == 0 || c.report.Records == total) {
				progress(c.report.Records, total)
			}
			return c.record(o)
		})
}

func (c *checker) record(o recordRow) error {
	r, err := decodeRecord(o.id, o.hot, o.base, nil, nil)
	if err != nil {
		c.report.add(KindRecord, r.ID, "Record %d cannot be decoded: %v.", o.seq, err)
		return nil
	}
	id := r.ID
	c.columns(id, o, &r)
	if err := r.VerifyHistory(); err != nil {
		c.report.add(KindRecord, id, "History: %v.", err)
	}
	if known := r.Fingerprint != [32]byte{}; known && r.KeyHash != [32]byte{} && !o.request {
		c.report.add(KindRecord, id, "What the app asked for is missing.")
	}
	if len(r.Attempts) > 0 && !o.frozen {
		c.report.add(KindRecord, id, "The request that was sent to Stripe is missing.")
	}
	if r.Holds && (r.State.Negative() || r.AllowRepeat || r.Reference == "") {
		c.report.add(KindHolder, id, "It holds its reference although it is %s, or may not hold one.", r.State)
	}
	if err := c.work(id, o, &r); err != nil {
		return err
	}
	if r.Attention == nil {
		return nil
	}
	open, err := count(c.ctx, c.letterOf, o.id, string(r.Attention.Class))
	if err == nil && open == 0 {
		c.report.add(KindLetter, id, "It needs attention (%s), but no open letter says so.", r.Attention.Class)
	}
	return err
}

// columns compares what is stored twice.
func (c *checker) columns(id events.ID, o recordRow, r *idempotency.Record) {
	slot := sql.NullInt64{Int64: o.seq, Valid: r.Reference != ""}
	if r.Holds || r.Reference == "" {
		slot.Int64 = 0
	}
	for name, same := range map[string]bool{
		"tenant": r.Tenant == o.name, "state": r.State == o.state, "version": r.Version == o.version,
		"created": r.Created == o.created, "due": r.Due == o.due, "attention": (r.Attention != nil) == o.attention,
		"ref": bytes.Equal(refToken(r.Tenant, r.Reference), o.ref),
	} {
		if !same {
			c.report.add(KindRecord, id, "Column %s differs from the record.", name)
		}
	}
	if slot != o.slot {
		c.report.add(KindHolder, id, "Column slot differs from the record: who holds the reference is not clear.")
	}
}

// work checks that a payment that is not over is somebody's to work on, and that one that is over was published.
func (c *checker) work(id events.ID, o recordRow, r *idempotency.Record) error {
	if !r.State.Final() || !r.Published {
		messages, err := count(c.ctx, c.hasMessage, o.id)
		if err != nil {
			return err
		}
		switch {
		case messages > 0 || r.Due != 0:
		case r.State.Final():
			c.report.add(KindStuck, id, "It is %s and unpublished, and neither a message nor a due time brings it back.", r.State)
		case r.Attention == nil:
			c.report.add(KindStuck, id, "It is %s, and neither a message, a due time nor a letter brings it back.", r.State)
		}
		return nil
	}
	if r.Fingerprint == [32]byte{} {
		return nil // canceled before any request was seen: nobody was told that it exists
	}
	told, err := count(c.ctx, c.hasEvent, o.seq)
	if err == nil && told == 0 && (!c.pruned || r.Updated > c.oldest) {
		c.report.add(KindOutcome, id, "It is %s and marked as published, but its outcome is not in the feed.", r.State)
	}
	return err
}

func count(ctx context.Context, stmt *sql.Stmt, args ...any) (n int, err error) {
	err = stmt.QueryRowContext(ctx, args...).Scan(&n)
	return n, err
}
