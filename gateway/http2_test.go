package gateway_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/payonce/payonce/gateway"
	"github.com/payonce/payonce/idempotency"
)

// Stripe speaks HTTP/2; what holds for sockets has to hold for streams.
func TestHTTP2(t *testing.T) {
	var requests atomic.Int32
	var broken atomic.Bool
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if b, err := io.ReadAll(r.Body); err != nil || r.ProtoMajor != 2 || (r.Header.Get("Idempotency-Key") != "") != (len(b) > 0) {
			t.Errorf("%s, %d bytes, %v", r.Proto, len(b), err)
		}
		if broken.Load() {
			w.Header().Set("Content-Length", "500")
			_, _ = io.WriteString(w, paid[:100])
			panic(http.ErrAbortHandler) // RST_STREAM in the middle of the answer
		}
		_, _ = io.WriteString(w, paid)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	s := newGateway(t, server.URL, over(server.Client().Transport))
	calls := []idempotency.Call{createConfirm(record(1), "k"), cancel(record(1), "pi_3Test"), retrieve(record(1), "pi_3Test")}
	for _, call := range calls {
		if a := s.Do(t.Context(), call); a.Class != idempotency.AnswerIntent {
			t.Errorf("%s: %+v", call.Kind, a)
		}
	}
	broken.Store(true)
	requests.Store(0)
	for _, call := range calls {
		if a := s.Do(t.Context(), call); a.Class != idempotency.AnswerNone {
			t.Errorf("%s: %+v", call.Kind, a)
		}
	}
	if n := requests.Load(); n != 3 {
		t.Errorf("%d requests for three sends", n)
	}
	call := calls[0]
	call.LeaseEnd = 1
	if a := s.Do(t.Context(), call); a.Class != idempotency.AnswerNotSent || a.Code != gateway.CodeLeaseEnded || requests.Load() != 3 {
		t.Errorf("%+v", a)
	}
}
