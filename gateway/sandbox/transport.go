package sandbox

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"
)

// Transport is an [http.RoundTripper] straight into a core, without sockets, for simulations that drive a real client
// from one goroutine. What goes wrong on the wire comes out as the error that a socket would give: io.ErrUnexpectedEOF for
// a closed connection, ECONNRESET in a *net.OpError for a reset, os.ErrDeadlineExceeded for a latency or delay, whose
// request has been executed by then. Safe for concurrent use.
type Transport struct {
	// Stripe takes the requests. It must not be used elsewhere while a request runs.
	Stripe *Stripe
	// Clock gives the time. Required.
	Clock func() time.Time
	// Fault chooses what goes wrong. Default: the core's plan.
	Fault func(*http.Request) Fault

	mu sync.Mutex
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(hr *http.Request) (*http.Response, error) {
	if err := hr.Context().Err(); err != nil {
		return nil, err
	}
	var body []byte
	if hr.Body != nil {
		var err error
		body, err = io.ReadAll(hr.Body)
		if closing := hr.Body.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return nil, err
		}
	}
	var fault Fault
	if t.Fault != nil {
		fault = t.Fault(hr)
	}
	resp := t.handle(requestOf(hr, body), fault)
	switch {
	case resp.Fate == Closed:
		return nil, io.ErrUnexpectedEOF
	case resp.Fate == WasReset:
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	case resp.Delay > 0 || resp.Fault == Latency:
		return nil, os.ErrDeadlineExceeded
	}
	out := &http.Response{
		Status: http.StatusText(resp.Status), StatusCode: resp.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(resp.Body)), ContentLength: int64(len(resp.Body)), Request: hr,
	}
	resp.headers(out.Header.Set)
	return out, nil
}

func (t *Transport) handle(r *Request, f Fault) Response {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Stripe.Handle(*r, t.Clock(), f)
}
