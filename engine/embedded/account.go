package embedded

import (
	"context"
	"errors"
)

// Account is where the payments of a folder are made. In another account, or the other mode, none of their charges can
// be found, so whoever looked there would take what is paid for unpaid.
type Account struct {
	ID   string // acct_...; empty while it is not known
	Live bool   // live mode, not test mode
}

// The modes as they are stored.
const (
	liveMode = "live"
	testMode = "test"
)

// Account is the Stripe account that the payments of this folder are made in; false if none was kept yet.
func (r *Reader) Account(ctx context.Context) (Account, bool, error) {
	rows, err := r.metaRows(ctx)
	if err != nil || rows[metaMode] == nil {
		return Account{}, false, err
	}
	return Account{ID: string(rows[metaAccount]), Live: string(rows[metaMode]) == liveMode}, true, nil
}

// ErrAccount tells that the payments of the folder are made in another account or mode.
var ErrAccount = errors.New("the payments of this data folder are made in another Stripe account or mode")

// KeepAccount notes, durably, where the payments of this folder are made. An id may be added to a mode; what is kept is
// never changed: then it is ErrAccount. Backups take it along.
func (s *Store) KeepAccount(ctx context.Context, a Account) error {
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
			return refusal{ErrAccount}
		}
		if err := setMeta(b.w.link, metaMode, []byte(mode)); err != nil || a.ID == "" {
			return err
		}
		return setMeta(b.w.link, metaAccount, []byte(a.ID))
	}))
}
