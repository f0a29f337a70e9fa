package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Requests that no HTTP client would send, byte by byte: each gets a 4xx (or 5xx for what HTTP itself has not got),
// none is stored, and neither answer nor log repeats a card number.
func TestMalformedOnTheWire(t *testing.T) {
	h := newHouse(t)
	server := httptest.NewUnstartedServer(h.api)
	server.Config = NewServer(h.api)
	server.Start()
	defer server.Close()

	head := func(lines ...string) string {
		return "POST /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + h.shop + "\r\nContent-Type: application/json\r\n" +
			strings.Join(lines, "\r\n") + "\r\n\r\n"
	}
	length := fmt.Sprintf("Content-Length: %d", len(plain))
	card := testCard()
	for name, raw := range map[string]string{
		"no HTTP at all":          card + "\r\n\r\n",
		"unknown version":         "POST /v1/payments HTTP/9.9\r\n\r\n",
		"no host":                 "POST /v1/payments HTTP/1.1\r\n\r\n",
		"two hosts":               "POST /v1/payments HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"bad escape in the path":  "POST /v1/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"NUL in the path":         "POST /v1/pay\x00ments HTTP/1.1\r\nHost: x\r\n\r\n",
		"absolute form":           "GET http://elsewhere/v1/" + card + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"asterisk":                "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
		"connect":                 "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
		"trace":                   "TRACE /v1/payments HTTP/1.1\r\nHost: x\r\nX-Card: " + card + "\r\n\r\n",
		"invented method":         "CHARGE /v1/payments HTTP/1.1\r\nHost: x\r\n\r\n",
		"header without a colon":  head("Idempotency-Key: k", "nonsense "+card, length) + plain,
		"space before the colon":  head("Idempotency-Key : k", length) + plain,
		"NUL in a header":         head("Idempotency-Key: a\x00b", length) + plain,
		"key of control":          head("Idempotency-Key: a\x01b", length) + plain,
		"key in UTF-8":            head("Idempotency-Key: schlüssel", length) + plain,
		"key in Latin-1":          head("Idempotency-Key: schl\xfcssel", length) + plain,
		"key twice":               head("Idempotency-Key: a", "idempotency-key: b", length) + plain,
		"key in a list":           head("Idempotency-Key: a, b", length) + plain,
		"key empty":               head("Idempotency-Key:", length) + plain,
		"key quoted wrongly":      head(`Idempotency-Key: "a"b"`, length) + plain,
		"key with a parameter":    head(`Idempotency-Key: "a";x=1`, length) + plain,
		"key of a card":           head("Idempotency-Key: "+card, length) + plain,
		"card in full-width":      head("Idempotency-Key: k", "X-Order: "+fullWidth(card), length) + plain,
		"card in a cookie":        head("Idempotency-Key: k", "Cookie: a="+card, length) + plain,
		"card with dashes":        head("Idempotency-Key: k", "X-A: "+card[:4]+"-"+card[4:8]+"-"+card[8:12]+"-"+card[12:], length) + plain,
		"folded header":           head("Idempotency-Key: k", "X-A: a\r\n "+card, length) + plain,
		"too many header bytes":   head("Idempotency-Key: k", "X-A: "+strings.Repeat("a", 40<<10), length) + plain,
		"negative length":         head("Idempotency-Key: k", "Content-Length: -1") + plain,
		"length in words":         head("Idempotency-Key: k", "Content-Length: many") + plain,
		"two lengths":             head("Idempotency-Key: k", "Content-Length: 3", length) + plain,
		"length and chunks":       head("Idempotency-Key: k", "Content-Length: 3", "Transfer-Encoding: chunked") + "zz\r\n",
		"bad chunk":               head("Idempotency-Key: k", "Transfer-Encoding: chunked") + "zz\r\n" + plain,
		"unknown coding":          head("Idempotency-Key: k", "Transfer-Encoding: gzip", length) + plain,
		"too large a length":      head("Idempotency-Key: k", "Content-Length: 65537"),
		"absurd length":           head("Idempotency-Key: k", "Content-Length: 9999999999999999999") + plain,
		"no body":                 head("Idempotency-Key: k"),
		"unknown expectation":     head("Idempotency-Key: k", "Expect: a miracle", length) + plain,
		"two API keys":            head("Authorization: Bearer x", "Idempotency-Key: k", length) + plain,
		"two content types":       head("Content-Type: text/plain", "Idempotency-Key: k", length) + plain,
		"compressed":              head("Content-Encoding: gzip", "Idempotency-Key: k", length) + plain,
		"shorter than announced":  head("Idempotency-Key: k", fmt.Sprintf("Content-Length: %d", len(plain)-1)) + plain,
		"two objects in one body": head("Idempotency-Key: k", fmt.Sprintf("Content-Length: %d", 2*len(plain))) + plain + plain,
	} {
		t.Run(name, func(t *testing.T) {
			status, text := exchangeBytes(t, server.Listener.Addr().String(), raw)
			if status < 400 || status > 599 {
				t.Errorf("answered %d", status)
			}
			if strings.Contains(text, card) {
				t.Errorf("repeated: %s", text)
			}
		})
	}
	if n := len(h.ledger.Records()); n != 0 {
		t.Errorf("%d records", n)
	}
	if strings.Contains(h.logged.String(), card) || strings.Contains(h.logged.String(), "panic") {
		t.Errorf("log: %s", h.logged)
	}
}

func fullWidth(digits string) string {
	return strings.Map(func(r rune) rune { return r - '0' + '０' }, digits)
}

// exchangeBytes sends raw and reads the first answer and all that follows it.
func exchangeBytes(t *testing.T, address, raw string) (status int, text string) {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = io.WriteString(conn, raw) // the server may hang up before it has read all
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
	}()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body) // may be cut short by the hang-up
	_ = res.Body.Close()
	return res.StatusCode, fmt.Sprint(res.Header) + string(body)
}
