package embedded

import (
	"database/sql/driver"
	"fmt"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// batch is one transaction of the writer: what it has changed so far and nobody else may see yet.
type batch struct {
	w       *writer
	now     idempotency.Instant
	wrote   bool
	staged  map[events.ID]*live
	tally   map[[2]int64]int64 // tenant, state: change
	tenants []string           // new ones
	queued  []*message
	events  int
}

func newBatch(w *writer) *batch {
	return &batch{w: w, staged: map[events.ID]*live{}, tally: map[[2]int64]int64{}}
}

func (b *batch) reset() {
	b.wrote, b.events = false, 0
	clear(b.staged)
	clear(b.tally)
	b.tenants = b.tenants[:0]
	b.queued = nil
	b.now = idempotency.At(b.w.s.now())
}

// all applies the tasks and commits.
func (b *batch) all(tasks []task) error {
	if _, err := b.w.st.begin.exec(); err != nil {
		return err
	}
	for _, t := range tasks {
		if err := t.apply(b); err != nil {
			return err
		}
	}
	if !b.wrote {
		return b.w.rollback() // refusals only
	}
	for key, n := range b.tally {
		if n == 0 {
			continue
		}
		if _, err := b.w.st.tally.exec(key[0], key[1], n); err != nil {
			return err
		}
	}
	if hook := b.w.s.config.Hooks.BeforeCommit; hook != nil {
		if err := hook(); err != nil {
			return &hookError{err}
		}
	}
	_, err := b.w.st.commit.exec()
	return err
}

// publish makes a committed batch visible in memory, before anybody is answered.
func (b *batch) publish() {
	b.w.s.cache.commit(b.staged)
	if len(b.queued) > 0 {
		b.w.s.queue.publish(b.queued)
	}
	if b.events > 0 {
		b.w.s.feed.appended()
	}
}

// tenant gives the number of a tenant, a new one if it has none.
func (b *batch) tenant(name string) (int64, error) {
	if no, ok := b.w.tenants[name]; ok {
		return no, nil
	}
	b.w.counters.tenant++
	no := b.w.counters.tenant
	b.wrote = true
	if _, err := b.w.st.newTenant.exec(no, name); err != nil {
		return 0, err
	}
	b.w.tenants[name] = no
	b.tenants = append(b.tenants, name)
	return no, nil
}

// memory finds a record that this batch changed, or that is in the cache.
func (b *batch) memory(id events.ID) *live {
	if l := b.staged[id]; l != nil {
		return l
	}
	return b.w.s.cache.get(id)
}

// lookup reads the searchable columns of a record. Nil if there is none.
func (b *batch) lookup(id events.ID) (*live, error) {
	row, err := b.w.st.header.row(id[:])
	if row == nil || err != nil {
		return nil, err
	}
	return &live{
		seq: integer(row[0]), tenant: integer(row[1]), state: idempotency.State(integer(row[2])),
		version: uint64(integer(row[3])), ref: string(blob(row[4])), slot: integer(row[5]),
		due: idempotency.Instant(integer(row[6])), attention: integer(row[7]) != 0,
	}, nil
}

// record reads a whole record as the batch sees it.
func (b *batch) record(l *live) (idempotency.Record, error) {
	if l.full {
		return l.record, nil
	}
	row, err := b.w.st.bySeq.row(l.seq)
	return recordOf(row, err)
}

// holder reads the record that holds a reference.
func (b *batch) holder(ref string) (idempotency.Record, error) {
	row, err := b.w.st.holder.row([]byte(ref))
	return recordOf(row, err)
}

func recordOf(row []driver.Value, err error) (idempotency.Record, error) {
	if err != nil {
		return idempotency.Record{}, err
	}
	if row == nil {
		return idempotency.Record{}, fmt.Errorf("%w: an index names a record that is not there", ErrCorrupt)
	}
	return decodeRecord(blob(row[0]), blob(row[1]), blob(row[2]), blob(row[3]), blob(row[4]))
}

// errand is a rare task that is a function. Its function does its checks before it writes.
type errand struct {
	do      func(b *batch) error
	verdict error
	answer  chan error
}

func newErrand(do func(b *batch) error) *errand {
	return &errand{do: do, answer: make(chan error, 1)}
}

// refusal is an error that an errand returns to its caller although its batch is committed.
type refusal struct{ error }

func (e *errand) apply(b *batch) error {
	b.wrote, e.verdict = true, nil
	err := e.do(b)
	if r, ok := err.(refusal); ok { //nolint:errorlint // made by the errand itself, never wrapped
		e.verdict = r.error
		return nil
	}
	return err
}

func (e *errand) finish(err error) {
	if err == nil {
		err = e.verdict
	}
	e.answer <- err
}

func (e *errand) reply() <-chan error { return e.answer }
