package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/payonce/payonce/events"
)

// seen collects what the generator sends.
type seen struct {
	mu     sync.Mutex
	bodies map[string][]byte // by idempotency key
	auth   map[string]bool
}

func (s *seen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body bytes.Buffer
	_, _ = body.ReadFrom(r.Body)
	s.mu.Lock()
	s.bodies[r.Header.Get("Idempotency-Key")] = body.Bytes()
	s.auth[r.Header.Get("Authorization")] = true
	s.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write(bytes.Repeat([]byte("x"), 5000)) // long enough to be chunked
}

func generate(t *testing.T, perSecond float64) (*seen, loadAnswer) {
	t.Helper()
	s := &seen{bodies: map[string][]byte{}, auth: map[string]bool{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	order, err := json.Marshal(loadOrder{
		URL: server.URL, Key: "po_x", Prefix: "t", Payments: 50, Connections: 4, PerSecond: perSecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := loadPart(t.Context(), bytes.NewReader(order), &out, t.Output()); err != nil {
		t.Fatal(err)
	}
	var a loadAnswer
	if err := json.Unmarshal(out.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	return s, a
}

func TestLoadSendsEachPaymentOnce(t *testing.T) {
	for name, rate := range map[string]float64{"closed": 0, "open": 2000} {
		t.Run(name, func(t *testing.T) {
			s, a := generate(t, rate)
			if len(s.bodies) != 50 || a.Status[http.StatusAccepted] != 50 || len(a.Status) != 1 {
				t.Errorf("%d keys, answers %v", len(s.bodies), a.Status)
			}
			if len(s.auth) != 1 || !s.auth["Bearer po_x"] {
				t.Errorf("authorization %v", s.auth)
			}
			if a.Latency.P50 <= 0 || a.Latency.Max < a.Latency.P99 || !a.Ended.After(a.Began) {
				t.Errorf("%+v", a)
			}
			if rate > 0 && a.perSecond() > rate*1.1 {
				t.Errorf("%.0f payments/s were asked for, %.0f were sent", rate, a.perSecond())
			}
		})
	}
}

func TestLoadSendsValidPayments(t *testing.T) {
	s, _ := generate(t, 0)
	references := map[string]bool{}
	for key, body := range s.bodies {
		p, err := events.DecodePayment(body)
		if err != nil {
			t.Fatalf("payment %s: %v", key, err)
		}
		if !strings.Contains(p.Reference, key) || references[p.Reference] {
			t.Errorf("payment %s has the reference %s", key, p.Reference)
		}
		references[p.Reference] = true
	}
}
