package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Client talks to one installation with one API key. Safe for concurrent use.
type Client struct {
	base    string
	key     secret
	http    *http.Client
	timeout time.Duration
	backOff func() backoff.BackOff
	sleep   func(time.Duration) <-chan time.Time
}

// Format writes the address for every verb, and never the API key.
func (c Client) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("payonce at " + c.base)) }

// Option changes a Client that is being made.
type Option func(*Client)

// WithHTTPClient sends through another http.Client. Redirects are never followed, whatever it says: they would carry
// the API key elsewhere. Default: http.DefaultTransport.
func WithHTTPClient(h *http.Client) Option {
	return func(c *Client) { c.http = h }
}

// WithTimeout bounds each single try. Default 15 s; waiting for events comes on top.
func WithTimeout(d time.Duration) Option {
	return func(c *Client) { c.timeout = d }
}

// WithBackOff sets the pauses between tries; each call takes a new one, and gives up when it says Stop. Default: from
// 200 ms on, doubling with jitter up to 10 s, for 2 minutes. A longer Retry-After of the server wins over a pause.
func WithBackOff(f func() backoff.BackOff) Option {
	return func(c *Client) { c.backOff = f }
}

// New returns a Client for the installation at baseURL, http or https, a path in front of /v1 included.
// It does not connect.
func New(baseURL, apiKey string, options ...Option) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("client: the base URL is http or https, a host and perhaps a path, and nothing else")
	}
	if apiKey == "" || !visible(apiKey) {
		return nil, errors.New("client: an API key is required; it has visible ASCII characters only")
	}
	c := &Client{
		base: strings.TrimRight(u.String(), "/"), key: secret(apiKey), http: &http.Client{},
		timeout: 15 * time.Second, backOff: defaultBackOff, sleep: time.After,
	}
	for _, o := range options {
		o(c)
	}
	own := *c.http
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &own
	return c, nil
}

func defaultBackOff() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(200*time.Millisecond), backoff.WithMultiplier(2),
		backoff.WithMaxInterval(10*time.Second), backoff.WithMaxElapsedTime(2*time.Minute))
}

// secret hides itself from every way of printing.
type secret string

// Format writes [key] for every verb.
func (secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[key]")) }

// MarshalText gives [key].
func (secret) MarshalText() ([]byte, error) { return []byte("[key]"), nil }

// visible reports whether s has only visible ASCII characters.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
