package embedded

import (
	"context"

	"github.com/payonce/payonce/engine"
)

// The modes as they are stored.
const (
	liveMode = "live"
	testMode = "test"
)

// Account is the Stripe account that the payments of this folder are made in; false if none was kept yet.
func (r *Reader) Account(ctx context.Context) (engine.Account, bool, error) {
	rows, err := r.metaRows(ctx)
	if err != nil || rows[metaMode] == nil {
		return engine.Account{}, false, err
	}
	return engine.Account{ID: string(rows[metaAccount]), Live: string(rows[metaMode]) == liveMode}, true, nil
}

// KeepAccount notes, durably, where the payments of this folder are made. An id may be added to a mode; what is kept is
// never changed: then it is engine.ErrAccount. Backups take it along.
func (s *Store) KeepAccount(ctx context.Context, a engine.Account) error {
	mode := testMode
	if a.Live {
		mode = liveMode
	}
	return s.submit(ctx, newErrand(func(b *batch) error {
		rows, err := metaRows(b.w.link)
		if err != nil {
			return err
		}
		kept := string(rows[metaAccount])
		if was := string(rows[metaMode]); was != "" && was != mode || kept != "" && a.ID != "" && kept != a.ID {
			return refusal{engine.ErrAccount}
		}
		if err := setMeta(b.w.link, metaMode, []byte(mode)); err != nil || a.ID == "" {
			return err
		}
		return setMeta(b.w.link, metaAccount, []byte(a.ID))
	}))
}
