package sandbox

import (
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

func (s *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	s.adminRoutes(mux)
	mux.HandleFunc("/", s.serve)
	return mux
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4096); return &b }}

// serve takes one request of Stripe's API.
func (s *Sandbox) serve(w http.ResponseWriter, hr *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, hr.Body, maxBodyBytes))
	if err != nil {
		http.Error(w, "request body over 1 MiB or cut off", http.StatusBadRequest)
		return
	}
	p := prepare(requestOf(hr, body))
	var resp Response
	s.locked(func(core *Stripe, now time.Time) {
		if resp, p = core.admit(p, now, Fault{}); p != nil && p.Delay == 0 {
			resp, p = core.finish(p, now), nil
		}
	})
	if p != nil {
		if !s.sleep(p.Delay, nil) {
			abort(w, true)
			return
		}
		s.locked(func(core *Stripe, now time.Time) { resp = core.finish(p, now) })
	}
	if err := s.durable(resp.after); err != nil {
		// Memory may be ahead of the disk now: nothing that it says may leave.
		w.Header().Set("Connection", "close")
		http.Error(w, "the sandbox cannot write its journal", http.StatusServiceUnavailable)
		return
	}
	if resp.Delay > 0 && !s.sleep(resp.Delay, hr.Context().Done()) {
		abort(w, true)
		return
	}
	switch resp.Fate {
	case Closed:
		abort(w, false)
	case WasReset:
		abort(w, true)
	default:
		write(w, &resp)
	}
}

// requestOf takes from an HTTP request what the core looks at.
func requestOf(hr *http.Request, body []byte) *Request {
	r := &Request{
		Method: hr.Method, Path: hr.URL.Path, Query: hr.URL.RawQuery, Body: string(body),
		IdempotencyKey: hr.Header.Get("Idempotency-Key"), Authorization: hr.Header.Get("Authorization"),
		Version: hr.Header.Get("Stripe-Version"), OnBehalf: hr.Header.Get("Stripe-Account"),
	}
	if len(body) > 0 {
		if kind, _, _ := mime.ParseMediaType(hr.Header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" {
			r.Body = "%" // no form: refused as malformed, in the order of the other checks
		}
	}
	return r
}

// sleep waits, and says whether the time has passed without the sandbox or the client going away.
func (s *Sandbox) sleep(d time.Duration, gone <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-gone:
	case <-s.closing:
	}
	return false
}

func write(w http.ResponseWriter, resp *Response) {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	body := resp.Body
	if resp.answer != nil {
		*buf = resp.answer.appendJSON((*buf)[:0])
		body = *buf
	}
	h := w.Header()
	resp.headers(func(name, value string) { h[name] = []string{value} })
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(resp.Status)
	// The client may be gone; what was done stays done.
	_, _ = w.Write(body)
}

// headers calls set for each header that the answer has, in net/http's canonical form.
func (r *Response) headers(set func(name, value string)) {
	set("Content-Type", r.ContentType)
	if r.ContentType != "application/json" {
		return // a proxy's answer has none of Stripe's headers
	}
	set("Request-Id", r.RequestID)
	set("Stripe-Version", r.Version)
	if r.IdempotencyKey != "" {
		set("Idempotency-Key", r.IdempotencyKey)
	}
	if r.Replayed {
		set("Idempotent-Replayed", "true")
		set("Original-Request", r.OriginalRequest)
	}
	if r.RateLimited != "" {
		set("Stripe-Rate-Limited-Reason", r.RateLimited)
	}
	if r.Status == http.StatusUnauthorized {
		set("Www-Authenticate", `Basic realm="Stripe"`)
	}
}

// abort ends the connection without an answer: closed, or reset with RST.
func abort(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's way to say the same where there is no socket to take
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0) // the worst that can come of an error is a close instead of a reset
	}
	_ = conn.Close()
}
