package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/payonce/payonce/idempotency"
)

var (
	// errLease: the claim ended before the first byte left.
	errLease = errors.New("the lease ended before the request was sent")
	// errTooLong: the answer is longer than any of Stripe's.
	errTooLong = errors.New("the answer is too long")
)

// newTransport is the pooled network. Go's default keeps two idle connections per host, so that sixty workers would
// dial for nearly each call.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        60 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		// A dead HTTP/2 connection is found by a ping instead of by every request's own time-out.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
	}
}

// exchange is one HTTP request and what came of it. It travels in the request's context, because the SDK owns the
// http.Client and hides the status of answers that it cannot read.
type exchange struct {
	kind  idempotency.CallKind
	name  string // what metrics call it, if not by its kind
	keyed bool   // the request carries an idempotency key
	form  []byte
	limit int64 // bytes of body
	lease idempotency.Instant
	now   func() time.Time

	sought   atomic.Bool // net/http looked for a connection
	got      atomic.Bool // and got one: from here on bytes may have left
	withheld atomic.Bool // this package kept the request back

	began    time.Time // before the first byte
	ended    time.Time
	status   int // 0: no answer
	header   http.Header
	body     []byte
	whole    bool  // the answer was read to its end
	err      error // why it was not
	canceled bool  // the caller gave up, which says nothing of Stripe
}

type exchangeKey struct{}

// unsent reports whether certainly not one byte of the request left: net/http looked for a connection and never got
// one (refused, no such host, failed TLS handshake), or it was kept back because the lease had ended.
// A foreign RoundTripper that does not report its connections is never taken for unsent.
func (x *exchange) unsent() bool {
	return !x.whole && (x.withheld.Load() || x.sought.Load() && !x.got.Load())
}

func (x *exchange) expired() bool {
	return x.lease != 0 && idempotency.At(x.now()) >= x.lease
}

// trace attaches x to ctx.
func (x *exchange) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(context.WithValue(ctx, exchangeKey{}, x), &httptrace.ClientTrace{
		GetConn: func(string) { x.sought.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { x.got.Store(true) },
	})
}

// once is the RoundTripper under the SDK: it sends a request at most once, and keeps the whole answer in its exchange.
type once struct{ next http.RoundTripper }

// emptyObject is what the SDK is given to decode. The answer itself is decoded once, by this package, whatever its
// status; the SDK would decode it into its own types and print parts of it into errors.
var emptyObject = []byte("{}")

// RoundTrip sends req once. net/http repeats a POST on a broken connection if it carries an Idempotency-Key and its
// body can be had again (Request.isReplayable), so the body given here cannot: no GetBody, and never NoBody, not even
// for an empty one. http2 has the same condition. GETs may be repeated.
func (t once) RoundTrip(req *http.Request) (*http.Response, error) {
	x, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return nil, errors.New("gateway: a request outside of an exchange")
	}
	r := *req
	r.GetBody = nil
	if r.Method == http.MethodPost {
		r.Body = &body{x: x, left: x.form}
		r.ContentLength = int64(len(x.form))
	}
	switch err := req.Context().Err(); {
	case err != nil:
		x.withheld.Store(true)
		return nil, err
	case x.expired():
		x.withheld.Store(true)
		return nil, errLease
	}
	x.began = x.now()
	resp, err := t.next.RoundTrip(&r)
	if err != nil {
		return nil, err
	}
	x.status, x.header = resp.StatusCode, resp.Header
	x.body, err = readAll(resp.Body, resp.ContentLength, x.limit)
	_ = resp.Body.Close() // what counts is whether the body was read to its end
	if err != nil {
		return nil, err
	}
	x.ended, x.whole = x.now(), true
	resp.Body = io.NopCloser(bytes.NewReader(emptyObject))
	resp.ContentLength = int64(len(emptyObject))
	return resp, nil
}

// CloseIdleConnections lets http.Client reach the pool.
func (t once) CloseIdleConnections() {
	if pool, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		pool.CloseIdleConnections()
	}
}

// readAll reads a body of at most limit bytes. length is what the headers say, or -1.
func readAll(from io.Reader, length, limit int64) ([]byte, error) {
	if length > limit {
		return nil, errTooLong
	}
	var buf bytes.Buffer
	if length > 0 {
		buf.Grow(int(length) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(io.LimitReader(from, limit+1)); err != nil {
		return nil, err
	}
	if int64(buf.Len()) > limit {
		return nil, errTooLong
	}
	return buf.Bytes(), nil
}

// body is a request's form, read once. The lease is compared with the clock at the first read, which net/http makes
// after it got a connection and before it writes: dialing may have taken long. A request whose body fails is
// abandoned, and Stripe does nothing for half of one.
type body struct {
	x    *exchange
	left []byte
	read bool
}

func (b *body) Read(p []byte) (int, error) {
	if !b.read {
		if b.read = true; b.x.expired() {
			b.x.withheld.Store(true)
			return 0, errLease
		}
	}
	if len(b.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	return n, nil
}

func (b *body) Close() error { return nil }

// label is what metrics call the exchange.
func (x *exchange) label() string {
	if x.name != "" {
		return x.name
	}
	return x.kind.String()
}
