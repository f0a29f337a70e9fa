// Package restore brings a ledger that was restored from a backup up to what Stripe knows.
//
// A backup has forgotten the payments that were charged after it was taken, and an app may submit them again. Two things
// keep them from being charged twice. While the window from the backup to the restore is open (the gate), each first
// attempt asks Stripe before it sends; that is the workers' part. Meanwhile the Sweeper walks over Stripe's list and
// adopts every PaymentIntent of this installation that the ledger has no record of, which makes each first attempt's
// question unnecessary. When a walk that began after the quiet period found nothing left to do, the gate is closed.
package restore
