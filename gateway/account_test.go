package gateway_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/payonce/payonce/gateway"
)

func TestAccount(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   string
		hidden bool
	}{
		{name: "it says", status: 200, body: `{"id":"acct_1Shop","object":"account","email":"a@b.test"}`, want: "acct_1Shop"},
		{name: "restricted key", status: 403, body: `{"error":{"type":"invalid_request_error"}}`, hidden: true},
		{name: "stand-in without accounts", status: 404, body: `{"error":{"type":"invalid_request_error"}}`, hidden: true},
		{name: "wrong key", status: 401, body: `{"error":{"type":"invalid_request_error"}}`},
		{name: "trouble", status: 500, body: `{"error":{"type":"api_error"}}`},
		{name: "too many", status: 429, body: `{"error":{"type":"invalid_request_error"}}`},
		{name: "a proxy's page", status: 200, body: `<html>acct_1Shop</html>`},
		{name: "another object", status: 200, body: `{"id":"acct_1Shop","object":"balance"}`},
		{name: "another id", status: 200, body: `{"id":"1Shop","object":"account"}`},
		{name: "an endless id", status: 200, body: `{"id":"acct_` + strings.Repeat("x", 200) + `","object":"account"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || r.URL.Path != "/v1/account" || r.Header.Get("Idempotency-Key") != "" {
					t.Errorf("%s %s", r.Method, r.URL)
				}
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body)) // the client tells
			}))
			defer far.Close()
			s := newGateway(t, far.URL)
			for range 2 { // a refusal must not stop the workers
				got, err := s.Account(t.Context())
				if got != c.want || (err == nil) != (c.want != "") || errors.Is(err, gateway.ErrAccountHidden) != c.hidden {
					t.Fatalf("%q, %v", got, err)
				}
			}
			if stop, _ := s.Open(); stop {
				t.Error("the workers are stopped")
			}
		})
	}
	if _, err := newGateway(t, "http://127.0.0.1:1").Account(t.Context()); err == nil || errors.Is(err, gateway.ErrAccountHidden) {
		t.Errorf("nobody answers: %v", err)
	}
}
