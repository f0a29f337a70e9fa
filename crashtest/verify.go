package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"github.com/payonce/payonce/client"
	"github.com/payonce/payonce/gateway/sandbox"
)

// verifier checks the promises at the end.
type verifier struct {
	house *house
	load  *load
	out   io.Writer
	began time.Time

	violations []string
	payments   map[string]client.Payment
	states     map[client.State]int
	attention  int
	doubt      int // unpaid, in doubt by rule
	waited     time.Duration
	stats      sandbox.Stats
	events     int
}

// maxViolations bounds what is printed; the first ones tell enough.
const maxViolations = 50

func (v *verifier) broken(format string, args ...any) {
	if len(v.violations) < maxViolations {
		v.violations = append(v.violations, fmt.Sprintf(format, args...))
	}
}

// settled waits until each acknowledged payment is final or visible to an operator.
func (v *verifier) settled(ctx context.Context) error {
	from := time.Now()
	for {
		if err := v.read(ctx); err != nil {
			return fmt.Errorf("list the payments: %w", err)
		}
		open, doubt, err := v.open(ctx)
		if err != nil {
			return err
		}
		v.waited, v.doubt = time.Since(from), doubt
		if open == 0 && (doubt == 0 || !v.house.doubt) {
			return nil
		}
		if v.waited > v.house.settle {
			v.broken("%d payments were neither final nor visible to an operator after %s", open+doubt, v.house.settle)
			return nil
		}
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// open counts the payments that are not settled, and apart from these the unpaid ones that are in doubt by rule.
func (v *verifier) open(ctx context.Context) (open, doubt int, err error) {
	var unsettled []client.Payment
	for _, p := range v.payments {
		if !p.State.Final() && p.Attention == nil {
			unsettled = append(unsettled, p)
		}
	}
	if len(unsettled) == 0 {
		return 0, 0, nil
	}
	charged, err := v.charges(ctx, func(sandbox.Charge) {})
	if err != nil {
		return 0, 0, err
	}
	for _, p := range unsettled {
		if p.State == client.StateUnknown && !charged[p.ID] {
			doubt++
		} else {
			open++
		}
	}
	return open, doubt, nil
}

// read lists all payments.
func (v *verifier) read(ctx context.Context) error {
	v.payments, v.states, v.attention = map[string]client.Payment{}, map[client.State]int{}, 0
	for p, err := range v.house.api.List(ctx, client.Filter{PageSize: 100}) {
		if err != nil {
			return err
		}
		v.payments[p.ID] = p
		v.states[p.State]++
		if p.Attention != nil {
			v.attention++
		}
	}
	return nil
}

func (v *verifier) verify(ctx context.Context) error {
	v.violations = append(v.violations, v.load.wrong...)
	v.nothingLost()
	for _, step := range []func(context.Context) error{v.chargesOnce, v.statesAgree, v.feedComplete, v.checkAndStop} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// nothingLost: what was acknowledged is there, and what is there was acknowledged.
func (v *verifier) nothingLost() {
	for id, a := range v.load.paid {
		p, ok := v.payments[id]
		switch {
		case !ok:
			v.broken("%s (key %s) was acknowledged and is gone", id, a.key)
		case p.Amount != a.amount || p.Reference != a.reference:
			v.broken("%s (key %s) is not what was submitted", id, a.key)
		}
	}
	for id := range v.payments {
		if _, ok := v.load.paid[id]; !ok {
			v.broken("%s is stored, but every answer for its key was a refusal", id)
		}
	}
}

// chargesOnce: the stand-in's own count, which knows nothing of the server's.
func (v *verifier) chargesOnce(ctx context.Context) error {
	if err := v.get(ctx, "/_sandbox/stats", func(d *json.Decoder) error { return d.Decode(&v.stats) }); err != nil {
		return fmt.Errorf("read the stand-in's count: %w", err)
	}
	for _, c := range []struct {
		what string
		n    sandbox.Counts
	}{{"payment", v.stats.PerPayment}, {"purchase", v.stats.PerReference}} {
		if c.n.Max > 1 {
			v.broken("%d times a %s was charged more than once, first %v", c.n.Over, c.what, c.n.Names)
		}
	}
	if v.stats.Unattributed > 0 {
		v.broken("%d charges name no payment", v.stats.Unattributed)
	}
	return nil
}

// statesAgree: succeeded if and only if charged, with the same amount.
func (v *verifier) statesAgree(ctx context.Context) error {
	charged, err := v.charges(ctx, func(c sandbox.Charge) {
		id := c.Metadata["payonce_id"]
		switch p, ok := v.payments[id]; {
		case !ok:
			v.broken("%s charges %s, which is not stored", c.ID, id)
		case p.State != client.StateSucceeded && p.Attention == nil:
			v.broken("%s charges %s, which is %s", c.ID, id, p.State)
		case p.State == client.StateSucceeded && (p.AmountCaptured != c.Amount || p.Stripe.Charge != c.ID):
			v.broken("%s charges %s, which names another charge or amount", c.ID, id)
		}
	})
	if err != nil {
		return err
	}
	for id, p := range v.payments {
		if p.State == client.StateSucceeded && !charged[id] {
			v.broken("%s succeeded and was not charged", id)
		}
	}
	return nil
}

// charges reads all charges of the stand-in and gives the payments that have one.
func (v *verifier) charges(ctx context.Context, each func(sandbox.Charge)) (map[string]bool, error) {
	charged := map[string]bool{}
	err := v.get(ctx, "/_sandbox/charges", func(d *json.Decoder) error {
		for {
			var c sandbox.Charge
			if err := d.Decode(&c); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			charged[c.Metadata["payonce_id"]] = true
			each(c)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read the stand-in's charges: %w", err)
	}
	return charged, nil
}

// feedComplete: each final payment has its one final outcome, and what was read half-way has not changed.
func (v *verifier) feedComplete(ctx context.Context) error {
	all, err := feed(ctx, v.house.api)
	if err != nil {
		return fmt.Errorf("read the feed: %w", err)
	}
	v.events = len(all)
	final := map[string]map[string]client.State{} // payment, event id
	for _, e := range all {
		if !e.Data.State.Final() {
			continue
		}
		if final[e.Subject] == nil {
			final[e.Subject] = map[string]client.State{}
		}
		final[e.Subject][e.ID] = e.Data.State
	}
	for id, p := range v.payments {
		if !p.State.Final() {
			continue
		}
		if n := len(final[id]); n != 1 {
			v.broken("%s is %s and has %d final outcome events", id, p.State, n)
		}
		for event, state := range final[id] {
			if state != p.State {
				v.broken("%s is %s, its outcome event %s says %s", id, p.State, event, state)
			}
		}
	}
	for i, e := range v.load.half {
		if i >= len(all) || all[i].ID != e.ID || all[i].Data.State != e.Data.State {
			v.broken("event %d of the feed was %s and is another now", i, e.ID)
			break
		}
	}
	return nil
}

// checkAndStop: the program's own check, beside the server and without it; and the server stops cleanly.
func (v *verifier) checkAndStop(ctx context.Context) error {
	for _, running := range []bool{true, false} {
		if !running {
			if err := v.house.server.stop(); err != nil {
				v.broken("the server did not stop cleanly: %v", err)
			}
		}
		out, err := v.house.command(ctx, "check", "--data", v.house.data(), "--sandbox", v.house.sandbox.url)
		var exit *exec.ExitError
		switch {
		case errors.As(err, &exit):
			v.broken("payonce check (server running: %t) ended with %d:\n%s", running, exit.ExitCode(), strings.TrimSpace(string(out)))
		case err != nil:
			return err
		}
	}
	return nil
}

func (v *verifier) get(ctx context.Context, path string, read func(*json.Decoder) error) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.house.sandbox.url+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, resp.Status)
	}
	return read(json.NewDecoder(resp.Body))
}
