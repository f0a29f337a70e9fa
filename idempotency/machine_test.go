package idempotency

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// situations are records in every state, reached by real steps.
func situations(t *testing.T) []struct {
	name string
	r    Record
	now  time.Time
	call *Call
} {
	type situation = struct {
		name string
		r    Record
		now  time.Time
		call *Call
	}
	var all []situation
	add := func(name string, p *play) {
		all = append(all, situation{name, p.r, p.now.Add(2 * time.Hour), p.call})
	}
	claimed := func() *play { return newPlay(t, receiveIn()).submit().receive().created() }
	ok := func(s IntentStatus) Answer { return Answer{Class: AnswerIntent, Intent: intentIs(s)} }
	wish := Cancel{ID: testID, Tenant: "shop", KeyHash: keyHash}

	add("absent", newPlay(t, receiveIn()))
	add("accepted", newPlay(t, receiveIn()).submit())
	add("accepted, cancel wanted", newPlay(t, receiveIn()).submit().step(wish))
	add("processing, lease ended", claimed())
	add("processing, resent", claimed().answer(Answer{Class: AnswerNone}).after(time.Minute).receive())
	add("processing, one step", newPlay(t, oneStepIn()).submit().receive())
	add("processing, closing", claimed().answer(declined("do_not_honor")))
	add("retry_scheduled, never sent", claimed().answer(Answer{Class: AnswerBusy}))
	add("retry_scheduled, declined", claimed().answer(declined("processing_error")))
	add("unknown, no answer", claimed().answer(Answer{Class: AnswerNone}))
	add("unknown, key old", claimed().answer(Answer{Class: AnswerNone}).after(KeyCutoff))
	add("unknown, stored 500", claimed().answer(Answer{Class: AnswerStored500}))
	add("unknown, one step, key old", newPlay(t, oneStepIn()).submit().receive().answer(Answer{Class: AnswerNone}).after(KeyCutoff))
	add("unknown, one step, stored 500", newPlay(t, oneStepIn()).submit().receive().answer(Answer{Class: AnswerStored500}))
	add("requires_action", claimed().answer(ok(IntentRequiresAction)))
	add("pending", claimed().answer(ok(IntentProcessing)))
	add("succeeded", claimed().answer(ok(IntentSucceeded)))
	unpublished := claimed().answer(ok(IntentSucceeded))
	unpublished.r.Published = false
	add("succeeded, unpublished", unpublished)
	add("failed", claimed().answer(declined("lost_card")).answer(ok(IntentCanceled)))
	add("canceled", newPlay(t, receiveIn()).submit().step(wish).receive())
	add("superseded", newPlay(t, receiveIn()).submit().step(Held{Receive: receiveIn()}))
	return all
}

// inputs are all inputs that can meet a record in this situation.
func inputs(r Record, now time.Time) map[string]Input {
	all := map[string]Input{
		"submit":               submitIn(),
		"submit, resend":       func() Input { in := submitIn(); in.Resend = true; return in }(),
		"submit, other print":  func() Input { in := submitIn(); in.Fingerprint[0]++; return in }(),
		"cancel wanted":        Cancel{ID: testID, Tenant: "shop", KeyHash: keyHash},
		"receive":              receiveIn(),
		"receive, one step":    oneStepIn(),
		"receive, gate":        func() Input { in := receiveIn(); in.Gate = &Window{}; return in }(),
		"held":                 Held{Receive: receiveIn(), Holder: Record{ID: otherID}},
		"wake":                 Wake{},
		"poisoned":             Poisoned{Receives: 30},
		"adopt, paid":          Adopt{Intent: *intentIs(IntentSucceeded)},
		"adopt, unpaid":        Adopt{Intent: *intentIs(IntentRequiresPaymentMethod)},
		"adopt, canceled":      Adopt{Intent: *intentIs(IntentCanceled)},
		"adopt, processing":    Adopt{Intent: *intentIs(IntentProcessing)},
		"adopt, needs action":  Adopt{Intent: *intentIs(IntentRequiresAction)},
		"answer, stale fence":  answerTo(r, CallConfirm, Answer{Class: AnswerIntent, Intent: intentIs(IntentSucceeded)}, r.Fence+7, now),
		"answer, other intent": answerTo(r, CallRetrieve, Answer{Class: AnswerIntent, Intent: &Intent{ID: "pi_x", Status: IntentSucceeded, Payment: otherID}}, r.Fence, now),
	}
	for _, kind := range []CallKind{CallCreate, CallConfirm, CallCreateConfirm, CallRetrieve, CallFind, CallCancel} {
		for class := AnswerNone; class <= AnswerOther; class++ {
			if class == AnswerIntent || class == AnswerUnexpectedState {
				for _, s := range []IntentStatus{
					IntentRequiresPaymentMethod, IntentRequiresConfirmation, IntentRequiresAction, IntentProcessing,
					IntentRequiresCapture, IntentSucceeded, IntentCanceled,
				} {
					a := Answer{Class: class, Intent: intentIs(s)}
					all[fmt.Sprintf("%s: %s %s", kind, class, s)] = answerTo(r, kind, a, r.Fence, now)
				}
				continue
			}
			all[fmt.Sprintf("%s: %s", kind, class)] = answerTo(r, kind, Answer{Class: class, Code: "c"}, r.Fence, now)
		}
	}
	return all
}

func answerTo(r Record, kind CallKind, a Answer, fence uint64, now time.Time) Answered {
	a.Began = At(now)
	c := Call{Kind: kind, Payment: r.ID, Intent: r.Intent, Fence: fence}
	if l := r.Latest(); l != nil {
		c.Key, c.Attempt = l.Key, l.Number
	}
	return Answered{Receive: receiveIn(), Call: c, Answer: a}
}

// TestEveryStateEveryInput holds each cell of the machine against what must always be true, and the whole table
// against the golden file, which is there to be read: a change of the protocol is a change of that file.
func TestEveryStateEveryInput(t *testing.T) {
	var table strings.Builder
	for _, s := range situations(t) {
		fmt.Fprintf(&table, "== %s ==\n", s.name)
		rows := map[string][]string{} // one line per effect, the inputs that have it
		var order []string
		in := inputs(s.r, s.now)
		for _, name := range sortedKeys(in) {
			before := s.r.clone()
			c, call, err := Next(s.r, in[name], s.now)
			if fmt.Sprintf("%+v", before) != fmt.Sprintf("%+v", s.r) {
				t.Fatalf("%s / %s: the argument was changed", s.name, name)
			}
			if c.Record != nil {
				checkChange(t, s.r, in[name], c, call)
			}
			if err != nil && (!c.Empty() || call != nil) {
				t.Errorf("%s / %s: a verdict with an effect", s.name, name)
			}
			line := effect(s.r, c, call, err)
			if rows[line] == nil {
				order = append(order, line)
			}
			rows[line] = append(rows[line], name)
		}
		for _, line := range order {
			fmt.Fprintf(&table, "%s\n", line)
			fmt.Fprintf(&table, "    %s\n", strings.Join(collapse(rows[line], in), " · "))
		}
		table.WriteString("\n")
	}
	golden(t, "machine.txt", table.String())
}

// collapse writes "confirm: any" where every answer to a confirm has the same effect.
func collapse(names []string, all map[string]Input) []string {
	of := func(name string) string {
		kind, _, _ := strings.Cut(name, ": ")
		return kind
	}
	total, here := map[string]int{}, map[string]int{}
	for name := range all {
		total[of(name)]++
	}
	for _, name := range names {
		here[of(name)]++
	}
	var out []string
	for _, name := range names {
		if kind := of(name); total[kind] > 1 && here[kind] == total[kind] {
			name = kind + ": any"
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func effect(r Record, c Change, call *Call, err error) string {
	if err != nil {
		var late *TooLateError
		var notYet *NotYetError
		switch {
		case errors.As(err, &late):
			return "refused: too late"
		case errors.As(err, &notYet):
			return "not yet"
		}
		return "refused: " + err.Error()
	}
	var parts []string
	if c.Record != nil {
		to := c.Record.State.String()
		if c.Record.State == r.State {
			to = "stays " + to
		}
		parts = append(parts, to)
		if c.Record.Closing != 0 {
			parts = append(parts, "closing as "+c.Record.Closing.String())
		}
	}
	if call != nil {
		parts = append(parts, "call "+call.Kind.String())
	}
	for _, m := range c.Messages {
		word := "message"
		if m.Delay > 0 {
			word = "message later"
		}
		parts = append(parts, word)
	}
	if c.Outcome != nil {
		parts = append(parts, "outcome")
	}
	if c.Letter != nil && c.Letter.Resolved {
		parts = append(parts, "letter resolved")
	} else if c.Letter != nil {
		parts = append(parts, "letter "+string(c.Letter.Class))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

func sortedKeys(m map[string]Input) []string {
	return slices.Sorted(maps.Keys(m))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs from what is written here; read the difference, then run with -update", path)
	}
}

// TestAnySequence throws inputs at a record in any order, sensible or not. Whatever comes, the promises of one
// commit hold, and a final state stays.
func TestAnySequence(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var r Record
		now := start
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(6*time.Hour)).Draw(rt, "pause")))
			all := inputs(r, now)
			name := rapid.SampledFrom(sortedKeys(all)).Draw(rt, "input")
			c, call, err := Next(r, all[name], now)
			if err != nil || c.Record == nil {
				continue
			}
			checkChange(t, r, all[name], c, call)
			if t.Failed() {
				rt.Fatalf("after %s", name)
			}
			r = *c.Record
		}
	})
}
