package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Submit submits a payment under a key of 1 to 255 visible ASCII characters, and repeats with the same key until it is
// answered. A Payment is durable, but for a repeat it may be in any state.
// Errors: ErrKey; *Problem, final for this call; ErrUndecided.
func (c *Client) Submit(ctx context.Context, key string, r PaymentRequest) (*Payment, error) {
	header, err := keyHeader(key)
	if err != nil {
		return nil, err
	}
	// Text that is not UTF-8 is an error, not something else than was meant.
	body, err := json.Marshal(r, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	return c.payment(ctx, call{method: http.MethodPost, path: "/v1/payments", key: header, body: body})
}

// Cancel calls off the payment of a key, and repeats until it is answered. The Payment is canceled, or on its way
// there: Watch it. A key without a payment is closed for ever.
// Errors: ErrKey; *Problem, with CodeTooLateToCancel when the payment is final; ErrUndecided.
func (c *Client) Cancel(ctx context.Context, key string) (*Payment, error) {
	header, err := keyHeader(key)
	if err != nil {
		return nil, err
	}
	return c.payment(ctx, call{method: http.MethodPost, path: "/v1/payments/cancel", key: header})
}

// Get reads a payment. Errors: *Problem, with CodeNotFound when the API key's tenant has no such payment.
func (c *Client) Get(ctx context.Context, id PaymentID) (*Payment, error) {
	return c.payment(ctx, call{method: http.MethodGet, path: "/v1/payments/" + url.PathEscape(id)})
}

func (c *Client) payment(ctx context.Context, q call) (*Payment, error) {
	var p Payment
	if err := c.do(ctx, q, &p); err != nil {
		return nil, err
	}
	return &p, nil
}

// keyHeader is the key as it goes into the header: quoted only where a bare one would be read as a quoted one.
func keyHeader(key string) (string, error) {
	if key == "" || len(key) > 255 || !visible(key) {
		return "", ErrKey
	}
	if key[0] != '"' {
		return key, nil
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`, nil
}

// Filter chooses payments. Zero members do not filter.
type Filter struct {
	State        State
	Reference    string
	CreatedAfter time.Time // exclusive
	Attention    bool      // only those that a person should look at
	PageSize     int       // 1 to 100; 0: the server's default
}

// List goes through the payments that match, the newest first, page by page. It ends after the first error.
func (c *Client) List(ctx context.Context, f Filter) iter.Seq2[Payment, error] {
	return func(yield func(Payment, error) bool) {
		for cursor := ""; ; {
			page, err := c.ListPage(ctx, f, cursor)
			if err != nil {
				yield(Payment{}, err)
				return
			}
			for _, p := range page.Data {
				if !yield(p, nil) {
					return
				}
			}
			if cursor = page.NextCursor; cursor == "" {
				return
			}
		}
	}
}

// ListPage reads one page: the first with an empty cursor, then each with the NextCursor of the one before, until that
// is empty. A page may be short, or empty, without being the last.
func (c *Client) ListPage(ctx context.Context, f Filter, cursor string) (*PaymentList, error) {
	q := url.Values{}
	if f.State != "" {
		q.Set("state", string(f.State))
	}
	if f.Reference != "" {
		q.Set("reference", f.Reference)
	}
	if !f.CreatedAfter.IsZero() {
		q.Set("created_after", f.CreatedAfter.UTC().Format(time.RFC3339Nano))
	}
	if f.Attention {
		q.Set("attention", "true")
	}
	if f.PageSize != 0 {
		q.Set("limit", strconv.Itoa(f.PageSize))
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	var page PaymentList
	if err := c.do(ctx, call{method: http.MethodGet, path: "/v1/payments", query: q}, &page); err != nil {
		return nil, err
	}
	return &page, nil
}

// Overview reads the counts.
func (c *Client) Overview(ctx context.Context) (*Overview, error) {
	var o Overview
	if err := c.do(ctx, call{method: http.MethodGet, path: "/v1/overview"}, &o); err != nil {
		return nil, err
	}
	return &o, nil
}

// Final reports whether the state never changes again. A state that this version does not know is not final.
func (s State) Final() bool {
	switch s {
	case StateSucceeded, StateFailed, StateCanceled, StateSuperseded:
		return true
	}
	return false
}
