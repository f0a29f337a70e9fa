package sandbox

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// adminRoutes are the sandbox's own: they have no authentication, as the whole sandbox is for test machines.
func (s *Sandbox) adminRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /_sandbox/stats", func(w http.ResponseWriter, _ *http.Request) {
		stats, err := s.Stats()
		s.reply(w, stats, err)
	})
	mux.HandleFunc("GET /_sandbox/charges", s.serveCharges)
	mux.HandleFunc("GET /_sandbox/faults", func(w http.ResponseWriter, _ *http.Request) {
		var plan Plan
		err := s.Do(func(core *Stripe, _ time.Time) { plan = core.Faults() })
		s.reply(w, plan, err)
	})
	mux.HandleFunc("POST /_sandbox/faults", func(w http.ResponseWriter, r *http.Request) {
		var plan Plan
		s.change(w, r, &plan, func(core *Stripe, now time.Time) error { return core.SetFaults(plan, now) })
	})
	mux.HandleFunc("POST /_sandbox/forget", func(w http.ResponseWriter, r *http.Request) {
		s.change(w, r, nil, func(core *Stripe, now time.Time) error { core.Forget(now); return nil })
	})
	mux.HandleFunc("POST /_sandbox/clock", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			AdvanceMS int64 `json:"advance_ms"`
		}
		s.change(w, r, &in, func(core *Stripe, now time.Time) error {
			if in.AdvanceMS > maxAdvance.Milliseconds() {
				return errAdvance
			}
			return core.Advance(time.Duration(in.AdvanceMS)*time.Millisecond, now)
		})
	})
	mux.HandleFunc("POST /_sandbox/payment_intents/{id}/complete_action", s.resolveWith("passed", "failed", (*Stripe).CompleteAction))
	mux.HandleFunc("POST /_sandbox/payment_intents/{id}/settle", s.resolveWith("succeeded", "failed", (*Stripe).Settle))
	mux.HandleFunc("/_sandbox/", http.NotFound)
}

const maxAdvance = 10 * 365 * 24 * time.Hour

var (
	errAdvance = errors.New("sandbox: advance_ms is over ten years")
	errOutcome = errors.New("sandbox: unknown outcome")
)

// resolveWith takes {"outcome": good|bad} for one PaymentIntent.
func (s *Sandbox) resolveWith(good, bad string, step func(*Stripe, string, bool, time.Time) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Outcome string `json:"outcome"`
		}
		s.change(w, r, &in, func(core *Stripe, now time.Time) error {
			if in.Outcome != good && in.Outcome != bad {
				return errOutcome
			}
			return step(core, r.PathValue("id"), in.Outcome == good, now)
		})
	}
}

// change reads a JSON body into in (nil: the body does not matter), makes a step and answers {"ok":true} once it is
// durable.
func (s *Sandbox) change(w http.ResponseWriter, r *http.Request, in any, step func(*Stripe, time.Time) error) {
	if in != nil {
		if err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, maxBodyBytes), in, json.RejectUnknownMembers(true)); err != nil {
			fail(w, http.StatusBadRequest, "the body is not the JSON that this path takes")
			return
		}
	}
	var refused error
	if err := s.Do(func(core *Stripe, now time.Time) { refused = step(core, now) }); err != nil {
		s.reply(w, nil, err)
		return
	}
	switch {
	case errors.Is(refused, ErrNoIntent):
		fail(w, http.StatusNotFound, refused.Error())
	case errors.Is(refused, ErrState):
		fail(w, http.StatusConflict, refused.Error())
	case refused != nil:
		fail(w, http.StatusBadRequest, refused.Error())
	default:
		s.reply(w, map[string]bool{"ok": true}, nil)
	}
}

// serveCharges streams successful charges as NDJSON: ?after=N&limit=M. Without a limit, all there are now.
func (s *Sandbox) serveCharges(w http.ResponseWriter, r *http.Request) {
	after, err1 := number(r, "after", 0)
	limit, err2 := number(r, "limit", int(^uint(0)>>1))
	if err1 != nil || err2 != nil {
		fail(w, http.StatusBadRequest, "after and limit are numbers from 0")
		return
	}
	const batch = 1000
	out := jsontext.NewEncoder(w)
	started := false
	for limit > 0 {
		var some []Charge
		if err := s.Do(func(core *Stripe, _ time.Time) { some = core.Charges(after, min(limit, batch)) }); err != nil {
			if started {
				panic(http.ErrAbortHandler) // a list that was cut off must not look whole
			}
			s.reply(w, nil, err)
			return
		}
		if !started {
			w.Header().Set("Content-Type", "application/x-ndjson")
			started = true
		}
		for _, c := range some {
			if err := json.MarshalEncode(out, c, json.Deterministic(true)); err != nil {
				return // the client is gone
			}
		}
		if len(some) < batch {
			return
		}
		after += len(some)
		limit -= len(some)
	}
}

func number(r *http.Request, name string, otherwise int) (int, error) {
	v := r.URL.Query().Get(name)
	if v == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(v)
	if err == nil && n < 0 {
		err = strconv.ErrRange
	}
	return n, err
}

// reply writes v as JSON, or 503 if the journal is lost.
func (s *Sandbox) reply(w http.ResponseWriter, v any, err error) {
	if err != nil {
		fail(w, http.StatusServiceUnavailable, "the sandbox cannot write its journal")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// The client may be gone; there is nobody else to tell.
	_ = json.MarshalWrite(w, v, json.Deterministic(true), jsontext.Multiline(true))
}

func fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, map[string]string{"error": message})
}
