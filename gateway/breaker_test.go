package gateway_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/payonce/payonce/gateway"
	"github.com/payonce/payonce/idempotency"
)

// switchable answers what it is set to.
type switchable struct {
	status atomic.Int32 // 0: no answer
	calls  atomic.Int32
	hold   chan struct{} // if set, answers wait for it
}

func (s *switchable) RoundTrip(r *http.Request) (*http.Response, error) {
	s.calls.Add(1)
	if s.hold != nil {
		select {
		case <-s.hold:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	status := int(s.status.Load())
	body := paid
	switch {
	case status == 0:
		return nil, &net.OpError{Op: "read", Err: errors.New("connection reset")}
	case status == 429:
		body = `{"error":{"type":"invalid_request_error","code":"rate_limit","message":"slow down"}}`
	case status >= 400:
		body = `{"error":{"type":"invalid_request_error","message":"no"}}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func TestBreakerStopsAndProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := &switchable{}
		far.status.Store(200)
		s := newGateway(t, "http://stripe.test", over(far))
		call := retrieve(record(1), "pi_3Test")
		if a := s.Do(t.Context(), call); a.Class != idempotency.AnswerIntent {
			t.Fatalf("%+v", a)
		}
		far.status.Store(0)
		for n := range 5 {
			if stop, _ := s.Open(); stop {
				t.Fatalf("stopped after %d failures", n)
			}
			s.Do(t.Context(), call)
		}
		reason, stop, until := s.Stopped()
		if !stop || reason != gateway.StopUnreachable || until.Sub(time.Now().Truncate(time.Millisecond)) != 10*time.Second {
			t.Fatalf("%v %v %v", reason, stop, until)
		}
		// Evidence can still be read.
		before := far.calls.Load()
		if s.Do(t.Context(), call); far.calls.Load() != before+1 {
			t.Fatal("Do refused")
		}
		if n, again := s.Admit(10); n != 0 || !again.Equal(until) {
			t.Fatalf("%d let through during the pause, next at %v", n, again)
		}
		time.Sleep(time.Until(until) + time.Millisecond)
		if n, _ := s.Admit(10); n != 1 {
			t.Fatalf("%d let through for the probe", n)
		}
		if n, again := s.Admit(10); n != 0 || time.Until(again) > time.Second {
			t.Fatalf("%d more let through beside the probe", n)
		}
		// The one that was let through found nothing to do: its place is free again after a while.
		time.Sleep(5 * time.Second)
		if n, _ := s.Admit(10); n != 1 {
			t.Fatalf("%d let through after a probe that did not begin", n)
		}
		// While the probe is under way the others wait.
		far.hold = make(chan struct{})
		done := make(chan idempotency.Answer, 1)
		go func() { done <- s.Do(t.Context(), call) }()
		synctest.Wait()
		time.Sleep(6 * time.Second) // longer than the place of a probe is held
		if n, again := s.Admit(10); n != 0 || time.Until(again) > time.Second {
			t.Fatal("workers did not wait for the probe")
		}
		far.status.Store(200)
		close(far.hold)
		<-done
		if stop, _ := s.Open(); stop {
			t.Fatal("still stopped after a good probe")
		}
		if n, _ := s.Admit(10); n != 10 {
			t.Fatalf("%d let through after a good probe", n)
		}
	})
}

func TestBreakerOnRatio(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := &switchable{}
		s := newGateway(t, "http://stripe.test", over(far))
		for n := range 24 {
			far.status.Store(int32(200 * (n % 2)))
			s.Do(t.Context(), retrieve(record(1), "pi_3Test"))
		}
		if reason, stop, _ := s.Stopped(); !stop || reason != gateway.StopUnreachable {
			t.Fatal("half of all calls fail and nobody stops")
		}
	})
}

func TestCredentialStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := &switchable{}
		far.status.Store(401)
		log := &lines{}
		s := newGateway(t, "http://stripe.test", over(far), logTo(log))
		call := retrieve(record(1), "pi_3Test")
		if a := s.Do(t.Context(), call); a.Class != idempotency.AnswerRefused {
			t.Fatalf("%+v", a)
		}
		reason, stop, until := s.Stopped()
		if !stop || reason != gateway.StopCredentials || time.Until(until) > 30*time.Second || time.Until(until) < 29*time.Second {
			t.Fatalf("%v %v %v", reason, stop, until)
		}
		if !strings.Contains(log.String(), "credentials") {
			t.Error("not logged: ", log)
		}
		time.Sleep(31 * time.Second)
		if n, _ := s.Admit(10); n != 1 {
			t.Fatalf("%d let through for the probe", n)
		}
		s.Do(t.Context(), call)
		if stop, _ := s.Open(); !stop {
			t.Fatal("one refusal more, and the workers go on")
		}
		time.Sleep(31 * time.Second)
		far.status.Store(200)
		s.Do(t.Context(), call)
		if stop, _ := s.Open(); stop {
			t.Fatal("still stopped")
		}
	})
}

// A caller that gives up says nothing about Stripe; nor does a decline or a rate limit.
func TestWhatDoesNotStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := &switchable{hold: make(chan struct{})}
		s := newGateway(t, "http://stripe.test", over(far))
		for range 30 {
			ctx, cancel := context.WithCancel(t.Context())
			go func() { synctest.Wait(); cancel() }()
			s.Do(ctx, retrieve(record(1), "pi_3Test"))
		}
		close(far.hold)
		for _, status := range []int32{402, 429, 409, 400} {
			far.status.Store(status)
			for range 30 {
				s.Do(t.Context(), retrieve(record(1), "pi_3Test"))
			}
		}
		if reason, stop, _ := s.Stopped(); stop {
			t.Fatal(reason)
		}
	})
}

// The budgets: writes are the worker's to take before the claim, reads are taken inside; a 429 halves, calm restores.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := &switchable{}
		far.status.Store(200)
		s := newGateway(t, "http://stripe.test", over(far), func(c *gateway.Config) { c.RatePerSecond, c.ReadsPerSecond = 8, 4 })
		took := func(n int, step func()) time.Duration {
			began := time.Now()
			for range n {
				step()
			}
			return time.Since(began)
		}
		read := func() { s.Do(t.Context(), retrieve(record(1), "pi_3Test")) }
		take := func() {
			if err := s.Take(t.Context(), idempotency.CallConfirm); err != nil {
				t.Fatal(err)
			}
		}
		if d := took(41, read); d != 10*time.Second {
			t.Errorf("41 reads at 4 a second took %v", d)
		}
		if d := took(42, take); d != 5*time.Second {
			t.Errorf("42 writes at 8 a second took %v", d)
		}
		// A claimed call waits for nothing: its lease is running.
		if d := took(50, func() { s.Do(t.Context(), confirm(record(1), "pi_3Test", "k")) }); d != 0 {
			t.Errorf("claimed calls waited %v", d)
		}
		far.status.Store(429)
		s.Do(t.Context(), confirm(record(1), "pi_3Test", "k"))
		far.status.Store(200)
		take()
		if d := took(8, take); d != 2*time.Second {
			t.Errorf("8 writes after a 429 took %v", d)
		}
		time.Sleep(20 * time.Second)
		take()
		if d := took(18, take); d > 3*time.Second {
			t.Errorf("not recovered: %v", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		took(4, take)
		if err := s.Take(ctx, idempotency.CallConfirm); err == nil {
			t.Error("a token out of nothing")
		}
		if err := s.Take(ctx, idempotency.CallRetrieve); err != nil {
			t.Error("unclaimed calls take their token in Do")
		}
	})
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	r := newRig(t, func(c *gateway.Config) { c.Registerer = reg })
	id := r.open(record(1), "c").ID
	r.want(idempotency.AnswerIntent, confirm(record(1), id, "k"))
	r.want(idempotency.AnswerIntent, find(record(1)))
	r.want(idempotency.AnswerMissing, retrieve(record(1), "pi_3None"))
	want := `
# HELP payonce_stripe_calls_total HTTP exchanges with Stripe, by kind of call and class of answer.
# TYPE payonce_stripe_calls_total counter
payonce_stripe_calls_total{class="intent",kind="confirm"} 1
payonce_stripe_calls_total{class="intent",kind="create"} 1
payonce_stripe_calls_total{class="intent",kind="find"} 1
payonce_stripe_calls_total{class="missing",kind="retrieve"} 1
# HELP payonce_stripe_stopped 1 while workers are told not to receive, by reason.
# TYPE payonce_stripe_stopped gauge
payonce_stripe_stopped{reason="credentials"} 0
payonce_stripe_stopped{reason="unreachable"} 0
# HELP payonce_stripe_calls_in_flight HTTP exchanges with Stripe that are under way.
# TYPE payonce_stripe_calls_in_flight gauge
payonce_stripe_calls_in_flight 0
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "payonce_stripe_calls_total", "payonce_stripe_stopped", "payonce_stripe_calls_in_flight"); err != nil {
		t.Error(err)
	}
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Error(err, problems)
	}
	if _, err := gateway.New(gateway.Config{APIKey: gateway.NewSecret(testKey), BaseURL: r.url, Installation: installation, Registerer: reg}); err == nil {
		t.Error("the same metrics twice")
	}
}
