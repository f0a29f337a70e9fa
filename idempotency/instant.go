package idempotency

import "time"

// Instant is a moment in milliseconds since the Unix epoch: the grain of every time that is stored, so that a
// record reads back exactly as it was written. Zero means "none". Instants compare with < and ==.
type Instant int64

// At is the Instant of t, cut to the millisecond.
func At(t time.Time) Instant {
	if t.IsZero() {
		return 0
	}
	return Instant(t.UnixMilli())
}

// Time is the moment as a time.Time in UTC; the zero Time for none.
func (i Instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(i)).UTC()
}

// Add is the moment d later, cut to the millisecond.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d.Milliseconds()) }

// Since is how long i is after o.
func (i Instant) Since(o Instant) time.Duration { return time.Duration(i-o) * time.Millisecond }
