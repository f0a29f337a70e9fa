package api

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// discard is a ResponseWriter that keeps its headers for the next request.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkSubmit is one repeat of a payment through the whole handler: all of the accept path but the commit.
func BenchmarkSubmit(b *testing.B) {
	h := newHouse(b, func(c *Config) { c.Logger = slog.New(slog.NewJSONHandler(io.Discard, nil)) })
	body := strings.NewReader(ordered)
	r := httptest.NewRequest(http.MethodPost, "/v1/payments", body)
	r.Header.Set("Authorization", "Bearer "+h.shop)
	r.Header.Set("Idempotency-Key", "k1")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "bench/1.0")
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(ordered)
		h.api.ServeHTTP(w, r)
	}
}
