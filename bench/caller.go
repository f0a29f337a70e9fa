package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// caller is one connection of the load generator, used by one goroutine.
type caller struct {
	order  *loadOrder
	conn   net.Conn
	reader *bufio.Reader
	head   []byte // up to the idempotency key
	buf    []byte
	body   []byte

	// From when a payment was due, from when it was sent, and between the two.
	took, served, late []time.Duration
	status             map[int]int
	err                error // the first failure; nothing is sent after it
}

func dial(ctx context.Context, o *loadOrder) (*caller, error) {
	host := strings.TrimPrefix(o.URL, "http://")
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	return &caller{
		order: o, conn: conn, reader: bufio.NewReader(conn), status: map[int]int{},
		head: fmt.Appendf(nil, "POST /v1/payments HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAuthorization: Bearer %s\r\n"+
			"Content-Type: application/json\r\nIdempotency-Key: ", host, o.Key),
	}, nil
}

func (c *caller) close() { _ = c.conn.Close() }

// submit sends payment n and reads its answer. due is when it should have been sent.
func (c *caller) submit(n int64, due time.Time) {
	c.request(n)
	sent := time.Now()
	if _, c.err = c.conn.Write(c.buf); c.err != nil {
		return
	}
	resp, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		c.err = fmt.Errorf("payment %d was not answered: %w", n, err)
		return
	}
	_, c.err = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close() // what counts is that it was read to its end
	end := time.Now()
	c.took, c.served, c.late = append(c.took, end.Sub(due)), append(c.served, end.Sub(sent)), append(c.late, sent.Sub(due))
	c.status[resp.StatusCode]++
}

// request is a payment as a shop would send it: about 340 bytes of JSON, a purchase of its own.
func (c *caller) request(n int64) {
	key := c.order.Prefix + "-" + strconv.FormatInt(n, 10)
	b := append(c.body[:0], `{"amount":`...)
	b = strconv.AppendInt(b, 1000+n%9000, 10)
	b = append(b, `,"currency":"eur","payment_method":"pm_card_visa","reference":"order-`...)
	b = append(b, key...)
	b = append(b, `","description":"Order of two books and a lamp, delivered to the door","metadata":{"cart":"c`...)
	b = append(b, key...)
	b = append(b, `","channel":"web","shop":"north"},"return_url":"https://shop.example/orders/done","statement_descriptor_suffix":"BOOKS"}`...)
	c.body = b
	out := append(c.buf[:0], c.head...)
	out = append(out, key...)
	out = append(out, "\r\nContent-Length: "...)
	out = strconv.AppendInt(out, int64(len(b)), 10)
	out = append(out, "\r\n\r\n"...)
	c.buf = append(out, b...)
}
