package embedded_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/queue"
)

// populate stores payments of every sort that a healthy store holds.
func populate(t *testing.T, s *embedded.Store) {
	t.Helper()
	ctx := t.Context()
	now := time.Now()
	commit := func(c idempotency.Change) idempotency.Record {
		t.Helper()
		if err := s.Commit(ctx, c); err != nil {
			t.Fatal(err)
		}
		return *c.Record
	}
	accept(t, s, "accepted", "order-1")
	claimed := commit(enginetest.Claim(now, accept(t, s, "claimed", "order-2"), "1/1"))
	_ = claimed
	commit(enginetest.Settle(now, commit(enginetest.Claim(now, accept(t, s, "paid", "order-3"), "1/1")), idempotency.Succeeded))
	commit(enginetest.Settle(now, accept(t, s, "failed", "order-4"), idempotency.Failed))
	attended := enginetest.Step(now, accept(t, s, "attended", "order-5"), idempotency.Unknown, func(r *idempotency.Record) {
		r.Attention = &idempotency.Attention{Class: idempotency.AttentionVerify, Since: r.Updated}
	})
	attended.Letter = &idempotency.Letter{
		Operation: attended.Record.ID, Tenant: "shop", Class: idempotency.AttentionVerify, Reason: "test", At: 1,
	}
	commit(attended)
	commit(enginetest.Step(now, accept(t, s, "due", "order-6"), idempotency.RetryScheduled, func(r *idempotency.Record) {
		r.Due = r.Updated
	}))
	tombstone, _, err := idempotency.Next(idempotency.Record{}, idempotency.Cancel{
		ID: enginetest.ID("shop", "never"), Tenant: "shop", KeyHash: [32]byte{1},
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	commit(tombstone)
	// Only the accepted and the claimed one keep their message.
	for {
		depth, err := s.Depth(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if depth.Visible == 0 {
			return
		}
		got, err := s.Receive(ctx, 10, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range got {
			if d.Operation == enginetest.ID("shop", "accepted") || d.Operation == enginetest.ID("shop", "claimed") {
				continue
			}
			if _, err := s.Delete(ctx, []queue.Receipt{d.Receipt}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestCheckFindsNothing(t *testing.T) {
	s := open(t, embedded.Config{})
	populate(t, s)
	report := wantHealthy(t, s)
	if report.Records != 7 || report.Events != 2 || report.Messages != 2 || !report.OK() {
		t.Errorf("report %+v", report)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Check(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled check: %v", err)
	}
}

// TestCheckFinds damages a healthy store in one way at a time.
func TestCheckFinds(t *testing.T) {
	const one = "(SELECT seq FROM operation WHERE slot = 0 ORDER BY seq LIMIT 1)"
	for name, c := range map[string]struct {
		script string
		kind   embedded.Kind
	}{
		"state column":       {"UPDATE operation SET state = 5 WHERE state = 1", embedded.KindRecord},
		"version column":     {"UPDATE operation SET version = 9 WHERE seq = 1", embedded.KindRecord},
		"due column":         {"UPDATE operation SET due = 5 WHERE seq = 1", embedded.KindRecord},
		"reference column":   {"UPDATE operation SET ref = zeroblob(16) WHERE seq = 1", embedded.KindRecord},
		"attention column":   {"UPDATE operation SET attention = 1 WHERE seq = 1", embedded.KindRecord},
		"holder":             {"UPDATE operation SET slot = seq WHERE seq = " + one, embedded.KindHolder},
		"record":             {"UPDATE operation SET hot = x'ff' WHERE seq = 1", embedded.KindRecord},
		"another's record":   {"UPDATE operation SET hot = (SELECT hot FROM operation WHERE seq = 3) WHERE seq = 1", embedded.KindRecord},
		"origin gone":        {"DELETE FROM origin WHERE seq = 1", embedded.KindRecord},
		"request gone":       {"UPDATE origin SET request = NULL WHERE seq = 1", embedded.KindRecord},
		"frozen gone":        {"DELETE FROM frozen", embedded.KindRecord},
		"tenant":             {"UPDATE tenant SET name = 'other'", embedded.KindRecord},
		"messages gone":      {"DELETE FROM message", embedded.KindStuck},
		"letter gone":        {"DELETE FROM letter", embedded.KindLetter},
		"letter of nobody":   {"UPDATE letter SET op = (SELECT id FROM operation WHERE seq = 1)", embedded.KindLetter},
		"outcome gone":       {"DELETE FROM event WHERE pos = 1", embedded.KindOutcome},
		"outcome unreadable": {"UPDATE event SET body = x'00' WHERE pos = 1", embedded.KindOutcome},
		"outcome of nothing": {"UPDATE event SET op = 99 WHERE pos = 1", embedded.KindOutcome},
		"message of nothing": {"UPDATE message SET op = zeroblob(16)", embedded.KindMessage},
		"sum wrong":          {"UPDATE tally SET n = n + 1 WHERE state = 1", embedded.KindSum},
		"sum gone":           {"DELETE FROM tally", embedded.KindSum},
		"payment gone":       {"DELETE FROM operation WHERE seq = 3", embedded.KindSum},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, embedded.Config{})
			populate(t, s)
			if err := s.Run(c.script); err != nil {
				t.Fatal(err)
			}
			report, err := s.Check(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range report.Findings {
				if f.Kind == c.kind && f.Sentence != "" {
					return
				}
			}
			t.Errorf("it finds %+v, nothing of kind %s", report.Findings, c.kind)
		})
	}
}

// TestCheckHistory edits a note of a record's history: it shows.
func TestCheckHistory(t *testing.T) {
	s := open(t, embedded.Config{})
	c := enginetest.Accept(time.Now(), "shop", "k1", "")
	claim := enginetest.Claim(time.Now(), *c.Record, "1/1")
	claim.Record.History[0].Why = "edited"
	for _, c := range []idempotency.Change{c, claim} {
		if err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	report, err := s.Check(t.Context(), nil)
	if err != nil || len(report.Findings) != 1 || report.Findings[0].ID != c.Record.ID {
		t.Errorf("findings %+v, %v", report.Findings, err)
	}
}
