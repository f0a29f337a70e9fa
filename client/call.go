package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/go-json-experiment/json"
)

// maxAnswer bounds what is read of an answer: a full page of payments with the largest metadata stays below it.
const maxAnswer = 32 << 20

// call is one request, tried until it is answered.
type call struct {
	method, path string
	query        url.Values
	key          string // Idempotency-Key, as it goes into the header
	body         []byte
	wait         time.Duration // how long the server may take on purpose
}

// do tries a call until it gets a definite answer, the pauses are used up or ctx ends, and decodes a 2xx into out.
//
// Definite are 2xx with a whole body, and 4xx except 408 and 429. Everything else is tried again: the key makes that
// safe for a submit or cancel, and reads change nothing.
func (c *Client) do(ctx context.Context, q call, out any) error {
	pauses := c.backOff()
	pauses.Reset()
	for {
		again, after, err := c.try(ctx, q, out)
		if err == nil || !again {
			return err
		}
		if ctx.Err() != nil {
			return q.undecided(errors.Join(ctx.Err(), err))
		}
		pause := pauses.NextBackOff()
		if pause == backoff.Stop {
			return q.undecided(err)
		}
		select {
		case <-c.sleep(max(pause, after)):
		case <-ctx.Done():
			return q.undecided(errors.Join(ctx.Err(), err))
		}
	}
}

// undecided marks the error of a call that may have changed something.
func (q call) undecided(err error) error {
	if q.key == "" {
		return err
	}
	return &undecidedError{err}
}

// try sends the call once. again says that the answer is not definite, after how long the server wants to be left alone.
func (c *Client) try(ctx context.Context, q call, out any) (again bool, after time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout+q.wait)
	defer cancel()
	target := c.base + q.path
	if len(q.query) > 0 {
		target += "?" + q.query.Encode()
	}
	var body io.Reader
	if q.body != nil {
		body = bytes.NewReader(q.body)
	}
	r, err := http.NewRequestWithContext(ctx, q.method, target, body)
	if err != nil {
		return false, 0, err
	}
	r.Header.Set("Authorization", "Bearer "+string(c.key))
	if q.key != "" {
		r.Header.Set("Idempotency-Key", q.key)
	}
	if q.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(r)
	if err != nil {
		return true, 0, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return true, 0, fmt.Errorf("reading the answer: %w", err)
	}
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		if err := json.Unmarshal(text, out); err != nil {
			return true, 0, fmt.Errorf("reading the answer: %w", err)
		}
		return false, 0, nil
	case res.StatusCode == http.StatusRequestTimeout, res.StatusCode == http.StatusTooManyRequests, res.StatusCode >= 500:
		return true, retryAfter(res.Header), problem(res, text)
	default:
		return false, 0, problem(res, text)
	}
}

// maxRetryAfter bounds how long the server can put a caller off.
const maxRetryAfter = time.Minute

func retryAfter(h http.Header) time.Duration {
	n, err := strconv.ParseUint(h.Get("Retry-After"), 10, 31)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, maxRetryAfter)
}

// problem reads a refusal. What is not in payonce's form, from a proxy for example, becomes a Problem without a code.
func problem(res *http.Response, text []byte) *Problem {
	p := &Problem{}
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	if kind != "application/problem+json" || json.Unmarshal(text, p) != nil {
		p = &Problem{Title: http.StatusText(res.StatusCode), Detail: "the answer is not from payonce"}
	}
	p.Status = res.StatusCode
	return p
}
