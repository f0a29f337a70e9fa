package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

// list is GET /v1/payments.
func (a *API) list(x *exchange) error {
	q, err := parseQuery(x.r.URL.RawQuery, listParams)
	if err != nil {
		return err
	}
	f := read.Filter{Tenant: x.key.Tenant, Limit: q.integer("limit", read.DefaultLimit, 1, read.MaxLimit)}
	if v, ok := q.get("state"); ok {
		if f.State, ok = idempotency.ParseState(v); !ok {
			q.bad("state", events.FieldSyntax, "give one of the states of a payment")
		}
	}
	if v, ok := q.get("reference"); ok {
		if n := utf8.RuneCountInString(v); n == 0 || n > events.MaxReference || !utf8.ValidString(v) {
			q.bad("reference", events.FieldLength, "give 1 to 128 characters")
		}
		f.Reference = v
	}
	if v, ok := q.get("created_after"); ok {
		t, err := time.Parse(time.RFC3339, v)
		if err != nil || t.Year() < 1970 {
			q.bad("created_after", events.FieldSyntax, "give a time such as 2026-03-01T11:00:00Z; a + in it is written %2B")
		} else {
			f.CreatedAfter = idempotency.At(t)
		}
	}
	if v, ok := q.get("attention"); ok {
		if f.Attention = v == "true"; !f.Attention && v != "false" {
			q.bad("attention", events.FieldSyntax, "give true or false")
		}
	}
	if v, ok := q.get("cursor"); ok {
		if f.Cursor, err = read.ParseCursor(v); err != nil || v == "" {
			q.bad("cursor", events.FieldSyntax, "give the next_cursor of the page before")
		}
	}
	if err := q.err(); err != nil {
		return err
	}
	page, err := a.Reader.List(x.ctx, f)
	if err != nil {
		return err
	}
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	*b = appendPage((*b)[:0], &page)
	x.writeJSON(http.StatusOK, *b)
	return nil
}

var listParams = []string{"state", "reference", "created_after", "attention", "limit", "cursor"}

func appendPage(b []byte, page *read.Page) []byte {
	b = append(b, `{"object":"list","data":[`...)
	for i := range page.Records {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendPayment(b, &page.Records[i], nil)
	}
	b = append(b, ']')
	b = appendMember(b, "next_cursor", string(page.Next))
	return append(b, '}')
}

// query is a parsed query string; it collects what is wrong with its parameters.
type query struct {
	values url.Values
	errors []place
}

// parseQuery takes the known parameters, each once. A card number is refused wherever it stands, except in parameters
// with a grammar of their own, which their readers check; other unknown names are not repeated.
func parseQuery(raw string, known []string) (*query, error) {
	q := &query{}
	if raw == "" {
		return q, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		if cardNumberInQuery(raw) {
			return nil, cardNumberIn(place{parameter: "query"})
		}
		return nil, badParameter("query", events.FieldSyntax, "percent-encode the query string, and separate parameters with &")
	}
	q.values = values
	unknown := false
	for name, vs := range values {
		listed := slices.Contains(known, name)
		if !listed && cardNumber(name) {
			return nil, cardNumberIn(place{parameter: "query"})
		}
		for _, v := range vs {
			if !ownGrammar(name) && cardNumber(v) {
				return nil, cardNumberIn(place{parameter: parameterName(name, listed)})
			}
		}
		unknown = unknown || !listed
	}
	if unknown {
		q.bad("query", events.FieldUnknown, "there is a parameter that this path does not take: remove it")
	}
	for _, name := range known {
		if len(values[name]) > 1 {
			q.bad(name, events.FieldDuplicate, "send it once")
		}
	}
	return q, nil
}

func parameterName(name string, listed bool) string {
	if listed {
		return name
	}
	return "query"
}

// ownGrammar names the parameters whose values we made ourselves, or that are times or small numbers.
func ownGrammar(name string) bool {
	switch name {
	case "cursor", "after", "limit", "wait", "created_after":
		return true
	}
	return false
}

func (q *query) get(name string) (string, bool) {
	v, ok := q.values[name]
	if !ok {
		return "", false
	}
	return v[0], true
}

// integer reads a decimal number without sign.
func (q *query) integer(name string, otherwise, least, most int) int {
	v, ok := q.get(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseUint(v, 10, 31)
	if err != nil || int(n) < least || int(n) > most {
		q.bad(name, events.FieldRange, "give a whole number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most))
		return otherwise
	}
	return int(n)
}

func (q *query) bad(name, code, detail string) {
	q.errors = append(q.errors, place{parameter: name, code: code, detail: detail})
}

func (q *query) err() error {
	if len(q.errors) == 0 {
		return nil
	}
	return &problem{code: codeInvalidParameter, errors: q.errors}
}
