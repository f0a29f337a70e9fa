package embedded

import "errors"

// statements are the writer's, each prepared once.
type statements struct {
	begin, commit, rollback *stmt

	insert, updateHot, updateAll    *stmt
	header, bySeq, holder           *stmt
	insertOrigin, updateOrigin      *stmt
	insertFrozen                    *stmt
	insertMessage, deleteMessage    *stmt
	countMessage                    *stmt
	insertEvent, tally, newTenant   *stmt
	findLetter, openLetter, restate *stmt
	resolveLetters                  *stmt

	all []*stmt
}

// wholeRecord selects a record's parts.
const wholeRecord = `SELECT o.id, o.hot, g.base, g.request, f.body FROM operation o
	LEFT JOIN origin g ON g.seq = o.seq LEFT JOIN frozen f ON f.seq = o.seq `

func prepareAll(l *link) (*statements, error) {
	s := &statements{}
	for _, p := range []struct {
		into  **stmt
		query string
	}{
		{&s.begin, "BEGIN IMMEDIATE"},
		{&s.commit, "COMMIT"},
		{&s.rollback, "ROLLBACK"},
		// Uniqueness of id and of the holder is the database's to keep. A row that would break it is not written,
		// and the writer then looks which of the two it was.
		{&s.insert, `INSERT INTO operation (seq, id, tenant, state, version, created, ref, slot, due, attention, hot)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`},
		{&s.updateHot, "UPDATE operation SET state = ?, version = ?, hot = ? WHERE seq = ?"},
		{&s.updateAll, `UPDATE OR IGNORE operation SET state = ?, version = ?, hot = ?, ref = ?, slot = ?, due = ?,
			attention = ? WHERE seq = ?`},
		{&s.header, "SELECT seq, tenant, state, version, ref, slot, due, attention FROM operation WHERE id = ?"},
		{&s.bySeq, wholeRecord + "WHERE o.seq = ?"},
		{&s.holder, wholeRecord + "WHERE o.ref = ? AND o.slot = 0"},
		{&s.insertOrigin, "INSERT INTO origin (seq, base, request) VALUES (?, ?, ?)"},
		{&s.updateOrigin, "UPDATE origin SET base = ?, request = coalesce(?, request) WHERE seq = ?"},
		{&s.insertFrozen, "INSERT OR REPLACE INTO frozen (seq, body) VALUES (?, ?)"},
		{&s.insertMessage, "INSERT INTO message (mid, op, enqueued, avail, receives, trace) VALUES (?, ?, ?, ?, 0, ?)"},
		{&s.deleteMessage, "DELETE FROM message WHERE mid = ?"},
		{&s.countMessage, "UPDATE message SET receives = ? WHERE mid = ?"},
		{&s.insertEvent, "INSERT INTO event (pos, tenant, op, at, body) VALUES (?, ?, ?, ?, ?)"},
		{&s.tally, `INSERT INTO tally (tenant, state, n) VALUES (?, ?, ?)
			ON CONFLICT (tenant, state) DO UPDATE SET n = n + excluded.n`},
		{&s.newTenant, "INSERT INTO tenant (no, name) VALUES (?, ?)"},
		{&s.findLetter, "SELECT no FROM letter WHERE op = ? AND resolved IS NULL AND class = ?"},
		{&s.openLetter, "INSERT INTO letter (no, op, tenant, class, reason, opened) VALUES (?, ?, ?, ?, ?, ?)"},
		{&s.restate, "UPDATE letter SET reason = ? WHERE no = ?"},
		{&s.resolveLetters, "UPDATE letter SET resolved = ? WHERE op = ? AND resolved IS NULL"},
	} {
		st, err := l.prepare(p.query)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		*p.into = st
		s.all = append(s.all, st)
	}
	return s, nil
}

func (s *statements) close() error {
	var errs []error
	for _, st := range s.all {
		errs = append(errs, st.close())
	}
	s.all = nil
	return errors.Join(errs...)
}
