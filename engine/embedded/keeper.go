package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"path/filepath"
)

// framePage is what one page takes in the log, in bytes.
const framePage = pageSize + 24

// keeper keeps the log short. It copies pages from the log into the file beside the writer; only starting the log over
// is the writer's, since nobody can be in its way there but readers.
type keeper struct {
	link   *link
	pass   *stmt
	wanted chan struct{}
	limit  int64
}

func newKeeper(ctx context.Context, c Config) (*keeper, error) {
	l, err := open(ctx, dsn(filepath.Join(c.Dir, dbName), false, "synchronous=FULL", "fullfsync=1", "checkpoint_fullfsync=1",
		"wal_autocheckpoint=0"))
	if err != nil {
		return nil, err
	}
	pass, err := l.prepare("PRAGMA wal_checkpoint(PASSIVE)")
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	return &keeper{link: l, pass: pass, wanted: make(chan struct{}, 1), limit: c.LogLimit}, nil
}

func (k *keeper) loop(s *Store) {
	defer func() {
		if err := errors.Join(k.pass.close(), k.link.close()); err != nil {
			s.config.Logger.Error("closing the checkpoint connection failed", slog.Any("error", err))
		}
	}()
	for {
		select {
		case <-k.wanted:
		case <-s.stop:
			return
		}
		p, err := checkpoint(k.pass)
		if err != nil {
			// The log only grows; the next commit or checkpoint meets the same fault and tells.
			s.config.Logger.Warn("a checkpoint failed", slog.Any("error", err))
			continue
		}
		if p.frames*framePage >= k.limit {
			s.between(func(w *writer) { w.startOver() })
		}
	}
}

// progress is what a checkpoint reports.
type progress struct {
	busy           bool
	frames, copied int64
}

func checkpoint(s *stmt) (progress, error) {
	row, err := s.row()
	if err != nil || row == nil {
		return progress{}, errors.Join(err, ifNil(row, driver.ErrBadConn))
	}
	return progress{busy: integer(row[0]) != 0, frames: integer(row[1]), copied: integer(row[2])}, nil
}

// startOver copies what is left and lets the next commit write at the log's beginning; journal_size_limit then cuts
// the file. A reader in the way makes it try again after some more pages.
func (w *writer) startOver() {
	if w.broken != nil {
		return
	}
	st, err := w.link.prepare("PRAGMA wal_checkpoint(RESTART)")
	if err == nil {
		var p progress
		p, err = checkpoint(st)
		if p.busy {
			w.pages = max(w.pages, w.s.config.CheckpointEvery/framePage*3/4)
		}
		err = errors.Join(err, st.close())
	}
	if err != nil {
		w.s.config.Logger.Warn("starting the log over failed", slog.Any("error", err))
	}
}
