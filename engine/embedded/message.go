package embedded

import (
	"strconv"
	"strings"
	"time"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// place is where a message in memory stands.
type place uint8

const (
	isReady   place = iota // in shelf.ready, to be received
	isHidden               // received, until its visibility ends
	isDelayed              // not visible yet
	isLeaving              // a delete is on its way to the disk
	isGone                 // deleted
)

// message is one message of the queue as it is known in memory.
type message struct {
	mid      int64
	op       events.ID
	trace    string
	enqueued idempotency.Instant
	avail    idempotency.Instant // column avail; 0: at once

	place    place
	until    time.Time // hidden, delayed: the end of it
	received time.Time // when the present delivery began
	delivery uint64    // number of the latest delivery by this process; 0: none
	receives int       // deliveries that count
	counted  int       // of these, how many the row knows of
	old      bool      // it was there when the store was opened
	index    int       // in shelf.timers; -1: not there
}

// mustCount reports whether a delivery has to be written before it is handed out.
func (m *message) mustCount() bool { return m.old || m.receives > 1 }

func (m *message) describe(boot uint64) queue.Delivery {
	return queue.Delivery{
		Receipt: receipt{boot: boot, mid: m.mid, delivery: m.delivery}.String(), Operation: m.op, Trace: m.trace,
		Receives: m.receives, Enqueued: m.enqueued.Time(),
	}
}

// receipt names a delivery: which boot of the store, which message, which delivery in that boot.
type receipt struct {
	boot     uint64
	mid      int64
	delivery uint64
}

// String is the receipt as it is handed out, three numbers in base 36.
func (r receipt) String() queue.Receipt {
	b := make([]byte, 0, 40)
	b = append(strconv.AppendUint(b, r.boot, 36), '-')
	b = append(strconv.AppendInt(b, r.mid, 36), '-')
	return queue.Receipt(strconv.AppendUint(b, r.delivery, 36))
}

// parseReceipt reads what String writes. Anything else is no receipt of ours.
func parseReceipt(s queue.Receipt) (r receipt, ok bool) {
	boot, rest, ok1 := strings.Cut(string(s), "-")
	mid, delivery, ok2 := strings.Cut(rest, "-")
	if !ok1 || !ok2 {
		return receipt{}, false
	}
	var errs [3]error
	r.boot, errs[0] = strconv.ParseUint(boot, 36, 64)
	r.mid, errs[1] = strconv.ParseInt(mid, 36, 64)
	r.delivery, errs[2] = strconv.ParseUint(delivery, 36, 64)
	if errs != [3]error{} || r.mid <= 0 || r.delivery == 0 || r.String() != s {
		return receipt{}, false
	}
	return r, true
}

// timers is a heap of hidden and delayed messages by the end of that (container/heap).
type timers []*message

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].until.Before(t[j].until) }
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].index, t[j].index = i, j
}

// Push is for container/heap.
func (t *timers) Push(x any) {
	m := x.(*message) //nolint:forcetypeassert // the heap holds nothing else
	m.index = len(*t)
	*t = append(*t, m)
}

// Pop is for container/heap.
func (t *timers) Pop() any {
	old := *t
	m := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	m.index = -1
	return m
}

// mids is a heap of message numbers, the lowest first (container/heap).
type mids []int64

func (h mids) Len() int           { return len(h) }
func (h mids) Less(i, j int) bool { return h[i] < h[j] }
func (h mids) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is for container/heap.
func (h *mids) Push(x any) { *h = append(*h, x.(int64)) } //nolint:forcetypeassert // the heap holds nothing else

// Pop is for container/heap.
func (h *mids) Pop() any {
	old := *h
	m := old[len(old)-1]
	*h = old[:len(old)-1]
	return m
}
