package gateway_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/payonce/payonce/gateway"
	"github.com/payonce/payonce/idempotency"
)

// paid is a PaymentIntent that succeeded, as little of it as is read.
const paid = `{"id":"pi_3Test","object":"payment_intent","amount":1000,"amount_received":1000,"currency":"eur",` +
	`"status":"succeeded","created":1680800504,"latest_charge":"ch_3Test","metadata":{},"next_action":null,"last_payment_error":null}`

// wire is a server that a test plays by hand: script n serves request n, and gets the connection to do with as it likes.
func wire(t *testing.T, scripts ...func(conn net.Conn, req *http.Request)) (url string, requests *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	requests = new(atomic.Int32)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer shut(conn)
				for r := bufio.NewReader(conn); ; {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					if _, err := io.Copy(io.Discard, req.Body); err != nil {
						return
					}
					n := int(requests.Add(1)) - 1
					if n >= len(scripts) {
						return
					}
					scripts[n](conn, req)
				}
			}()
		}
	}()
	t.Cleanup(func() { shut(listener); <-done })
	return "http://" + listener.Addr().String(), requests
}

func say(answer string) func(net.Conn, *http.Request) {
	return func(conn net.Conn, _ *http.Request) { _, _ = io.WriteString(conn, answer) }
}

func ok(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func hangUp(conn net.Conn, _ *http.Request) { shut(conn) }

// shut closes what the test is done with; the other side may have closed it first.
func shut(c io.Closer) { _ = c.Close() }

func reset(conn net.Conn, _ *http.Request) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	shut(conn)
}

// net/http itself repeats a POST with an Idempotency-Key when a kept-alive connection breaks. Here it must not: the
// second send would be one that nobody wrote down.
func TestBrokenKeepAliveIsNotRepeated(t *testing.T) {
	for name, end := range map[string]func(net.Conn, *http.Request){"closed": hangUp, "reset": reset} {
		t.Run(name, func(t *testing.T) {
			url, requests := wire(t, say(ok(paid)), end, say(ok(paid)))
			s := newGateway(t, url)
			if a := s.Do(t.Context(), createConfirm(record(1), "k")); a.Class != idempotency.AnswerIntent {
				t.Fatalf("%+v", a)
			}
			if a := s.Do(t.Context(), createConfirm(record(1), "k")); a.Class != idempotency.AnswerNone {
				t.Fatalf("%+v", a)
			}
			if n := requests.Load(); n != 2 {
				t.Fatalf("%d requests for two sends", n)
			}
		})
	}
}

// The control: the same connection, the same request, through a plain http.Client. If this stops repeating, the test
// above proves nothing any more.
func TestPlainClientWouldRepeat(t *testing.T) {
	url, requests := wire(t, say(ok(paid)), hangUp, say(ok(paid)))
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range 2 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/payment_intents", strings.NewReader("amount=1"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Idempotency-Key", "k")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := requests.Load(); n != 3 {
		t.Fatalf("%d requests: net/http no longer repeats", n)
	}
}

func TestCancelIsNotRepeatedEither(t *testing.T) {
	url, requests := wire(t, say(ok(paid)), hangUp, say(ok(paid)))
	s := newGateway(t, url)
	s.Do(t.Context(), cancel(record(1), "pi_3Test"))
	if a := s.Do(t.Context(), cancel(record(1), "pi_3Test")); a.Class != idempotency.AnswerNone || requests.Load() != 2 {
		t.Fatalf("%d requests, %+v", requests.Load(), a)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		url, requests := wire(t, say(fmt.Sprintf("HTTP/1.1 %d Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", status)), say(ok(paid)))
		a := newGateway(t, url).Do(t.Context(), createConfirm(record(1), "k"))
		if a.Class != idempotency.AnswerNone || a.Status != status || requests.Load() != 1 {
			t.Errorf("%d: %d requests, %+v", status, requests.Load(), a)
		}
	}
}

func TestHalfAnAnswer(t *testing.T) {
	for name, answer := range map[string]string{
		"headers only":   "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
		"half a body":    "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + paid[:100],
		"half a chunk":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + paid[:100],
		"no last chunk":  fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(paid), paid),
		"not HTTP":       "220 mail.example.com ESMTP\r\n",
		"half a status":  "HTTP/1.1 20",
		"too long":       "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + paid,
		"bad length":     "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n" + paid,
		"endless header": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<17),
	} {
		t.Run(name, func(t *testing.T) {
			url, requests := wire(t, func(conn net.Conn, req *http.Request) { say(answer)(conn, req); shut(conn) }, say(ok(paid)))
			a := newGateway(t, url).Do(t.Context(), createConfirm(record(1), "k"))
			if a.Class != idempotency.AnswerNone || a.Intent != nil || requests.Load() != 1 {
				t.Errorf("%d requests, %+v", requests.Load(), a)
			}
		})
	}
}

// The answer is there and its last byte does not come.
func TestSlowBody(t *testing.T) {
	ended := make(chan struct{})
	url, _ := wire(t, func(conn net.Conn, req *http.Request) {
		say("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"+paid[:100])(conn, req)
		<-ended
	})
	defer close(ended)
	s := newGateway(t, url, within(50*time.Millisecond))
	if a := s.Do(t.Context(), createConfirm(record(1), "k")); a.Class != idempotency.AnswerNone {
		t.Fatalf("%+v", a)
	}
}

func TestCallerGivesUp(t *testing.T) {
	ctx, giveUp := context.WithCancel(t.Context())
	url, _ := wire(t, func(conn net.Conn, _ *http.Request) {
		giveUp()
		_, _ = conn.Read(make([]byte, 1)) // until the client hangs up
	})
	s := newGateway(t, url)
	if a := s.Do(ctx, createConfirm(record(1), "k")); a.Class != idempotency.AnswerNone {
		t.Fatalf("%+v", a)
	}
	// Given up before it began: nothing is sent.
	for _, call := range []idempotency.Call{createConfirm(record(1), "k"), create(record(1), "k"), cancel(record(1), "pi_3Test")} {
		if a := s.Do(ctx, call); a.Class != idempotency.AnswerNotSent || a.Code != "" {
			t.Errorf("%s: %+v", call.Kind, a)
		}
	}
}

func TestNotSent(t *testing.T) {
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + refusing.Addr().String()
	shut(refusing)

	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()

	plain, requests := wire(t, say(ok(paid)))

	unresolved := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "stripe.invalid", IsNotFound: true}}
	}}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes the connection and never answers the handshake
	if err != nil {
		t.Fatal(err)
	}
	defer shut(silent)

	for name, s := range map[string]*gateway.Stripe{
		"refused":              newGateway(t, refused),
		"no such host":         newGateway(t, "http://stripe.invalid", over(unresolved)),
		"unknown authority":    newGateway(t, untrusted.URL),
		"not TLS":              newGateway(t, strings.Replace(plain, "http://", "https://", 1)),
		"handshake timed out":  newGateway(t, "https://"+silent.Addr().String(), within(50*time.Millisecond)),
		"handshake cut off":    newGateway(t, "https://"+hangingUp(t)),
		"dialing never ends":   newGateway(t, refused, within(50*time.Millisecond), over(&http.Transport{DialContext: never})),
		"wrong name":           newGateway(t, strings.Replace(untrusted.URL, "127.0.0.1", "localhost", 1)),
		"protocol version too": newGateway(t, untrusted.URL, over(&http.Transport{TLSClientConfig: &tls.Config{MaxVersion: tls.VersionTLS10}})),
	} {
		t.Run(name, func(t *testing.T) {
			for _, call := range []idempotency.Call{createConfirm(record(1), "k"), create(record(1), "k"), retrieve(record(1), "pi_3Test"), cancel(record(1), "pi_3Test")} {
				if a := s.Do(t.Context(), call); a.Class != idempotency.AnswerNotSent {
					t.Errorf("%s: %+v", call.Kind, a)
				}
			}
			if a := s.Do(t.Context(), find(record(1))); a.Class != idempotency.AnswerNone {
				t.Errorf("find: %+v", a)
			}
		})
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func never(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func hangingUp(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(l) })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			shut(conn)
		}
	}()
	return l.Addr().String()
}

type foreign func(*http.Request) (*http.Response, error)

func (f foreign) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A RoundTripper that does not say when it has a connection is never believed that it sent nothing.
func TestForeignTransport(t *testing.T) {
	s := newGateway(t, "http://127.0.0.1:1", over(foreign(func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Err: errors.New("or so it says")}
	})))
	if a := s.Do(t.Context(), createConfirm(record(1), "k")); a.Class != idempotency.AnswerNone {
		t.Fatalf("%+v", a)
	}
}

// The lease is compared with the clock before the request, and again once there is a connection.
func TestLeaseEnd(t *testing.T) {
	var now atomic.Int64
	now.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMilli())
	clock := func(c *gateway.Config) { c.Now = func() time.Time { return time.UnixMilli(now.Load()) } }
	url, requests := wire(t, say(ok(paid)))
	slowDial := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		now.Add(60_000) // as long as the lease
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	defer slowDial.CloseIdleConnections()
	s := newGateway(t, url, clock, over(slowDial))

	call := createConfirm(record(1), "k")
	call.LeaseEnd = idempotency.Instant(now.Load())
	for name, lease := range map[string]idempotency.Instant{"over": call.LeaseEnd, "over after dialing": call.LeaseEnd + 30_000} {
		call.LeaseEnd = lease
		if a := s.Do(t.Context(), call); a.Class != idempotency.AnswerNotSent || a.Code != gateway.CodeLeaseEnded {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if n := requests.Load(); n != 0 {
		t.Fatalf("%d requests after the lease", n)
	}
	call.LeaseEnd = idempotency.Instant(now.Load() + 600_000)
	if a := s.Do(t.Context(), call); a.Class != idempotency.AnswerIntent || requests.Load() != 1 {
		t.Fatalf("%+v", a)
	}
	if stop, _ := s.Open(); stop {
		t.Error("our own lateness stopped the workers")
	}
}

// What leaves is the call's bytes and headers, and nothing that names this machine.
func TestWhatIsSent(t *testing.T) {
	seen := make(chan *http.Request, 1)
	bodies := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		seen <- r
		bodies <- string(b)
		_, _ = io.WriteString(w, paid)
	}))
	defer server.Close()
	s := newGateway(t, server.URL)
	call := createConfirm(record(1), "the-key")
	call.APIVersion = "2022-11-15"
	if a := s.Do(t.Context(), call); a.Class != idempotency.AnswerIntent {
		t.Fatalf("%+v", a)
	}
	r, body := <-seen, <-bodies
	for name, want := range map[string]string{
		"Authorization": "Bearer " + testKey, "Content-Type": "application/x-www-form-urlencoded", "Stripe-Version": "2022-11-15",
		"Idempotency-Key": "the-key", "X-Stripe-Client-Telemetry": "", "X-Stripe-Client-User-Agent": "",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if body != string(call.Form) || r.ContentLength != int64(len(call.Form)) || len(r.TransferEncoding) != 0 || r.URL.Path != "/v1/payment_intents" {
		t.Errorf("%s %v %d: %s", r.URL, r.TransferEncoding, r.ContentLength, body)
	}
	s.Do(t.Context(), cancel(record(1), "pi_3Test"))
	r, body = <-seen, <-bodies
	if r.Header.Get("Idempotency-Key") != "" || body != "" || r.URL.Path != "/v1/payment_intents/pi_3Test/cancel" || r.Method != http.MethodPost {
		t.Errorf("cancel: %s %q %q", r.URL, r.Header.Get("Idempotency-Key"), body)
	}
}

// Calls that would be unsafe or senseless are not sent.
func TestBadCalls(t *testing.T) {
	url, requests := wire(t, say(ok(paid)))
	s := newGateway(t, url)
	good := confirm(record(1), "pi_3Test", "k")
	for name, spoil := range map[string]func(*idempotency.Call){
		"no key":         func(c *idempotency.Call) { c.Key = "" },
		"long key":       func(c *idempotency.Call) { c.Key = strings.Repeat("k", 256) },
		"blank in key":   func(c *idempotency.Call) { c.Key = " k" },
		"no form":        func(c *idempotency.Call) { c.Form = nil },
		"no intent":      func(c *idempotency.Call) { c.Intent = "" },
		"path in intent": func(c *idempotency.Call) { c.Intent = "pi_1/../../refunds" },
		"no kind":        func(c *idempotency.Call) { c.Kind = 0 },
		"unknown kind":   func(c *idempotency.Call) { c.Kind = 99 },
		"empty window":   func(c *idempotency.Call) { c.Kind = idempotency.CallFind },
	} {
		call := good
		spoil(&call)
		if a := s.Do(t.Context(), call); a.Class != idempotency.AnswerInvalid || a.Code != gateway.CodeBadCall {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}
