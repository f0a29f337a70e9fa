package gateway

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/payonce/payonce/idempotency"
)

// pageSize is the most that Stripe lists at once.
const pageSize = 100

// maxPages bounds one look: half a million PaymentIntents. A sweep has no bound, it takes as long as it takes.
const maxPages = 5000

// page is one page of a list, read.
type page struct {
	intents []wireIntent
	more    bool
}

// listing walks Stripe's list of PaymentIntents created in a window, newest first. The list has no index that lags
// behind, unlike the search, and is not filtered by metadata.
// Source: https://docs.stripe.com/api/payment_intents/list?api-version=2023-10-16
type listing struct {
	s     *Stripe
	name  string // for metrics
	query string
	after string // the last id of the page before
	pages int
	most  int // pages; 0: no bound
	done  bool
}

// list starts a walk over created from..to, both included; Stripe's grain is a second, so the window grows to whole
// ones.
func (s *Stripe) list(name string, from, to idempotency.Instant) *listing {
	q := "?limit=" + strconv.Itoa(pageSize) + "&expand[]=data.latest_charge"
	if from > 0 {
		q += "&created[gte]=" + strconv.FormatInt(int64(from)/1000, 10)
	}
	if to > 0 {
		q += "&created[lte]=" + strconv.FormatInt((int64(to)+999)/1000, 10)
	}
	return &listing{s: s, name: name, query: q}
}

// next asks for the next page. The answer's class is AnswerIntent if p is that page, else why there is none; the walk
// may then be continued by asking again. Not to be called once done.
func (l *listing) next(ctx context.Context) (p page, a idempotency.Answer) {
	if l.most > 0 && l.pages >= l.most {
		return page{}, idempotency.Answer{Class: idempotency.AnswerNone, Code: CodeTooManyPages}
	}
	if err := l.s.reads.wait(ctx); err != nil {
		return page{}, idempotency.Answer{Class: idempotency.AnswerNotSent}
	}
	path := intentsPath + l.query
	if l.after != "" {
		path += "&starting_after=" + url.QueryEscape(l.after)
	}
	x := &exchange{kind: idempotency.CallFind, name: l.name, limit: maxPage, now: l.s.now}
	a = l.s.exchange(ctx, x, http.MethodGet, path, "", APIVersion, func() idempotency.Answer {
		r := x.read(l.s.installation, func(b []byte) (_ *idempotency.Intent, err error) {
			p, err = decodePage(b)
			return readable, err
		})
		a := x.classified(&r)
		a.Intent = nil
		return a
	})
	if a.Class != idempotency.AnswerIntent {
		return page{}, a
	}
	l.pages++
	if l.done = !p.more; !l.done {
		last := p.intents[len(p.intents)-1].ID
		if last == l.after { // a list that does not go on would never end
			return page{}, idempotency.Answer{Class: idempotency.AnswerNone, Code: CodeUnreadable, Began: a.Began}
		}
		l.after = last
	}
	return p, a
}

// decodePage reads a page. Errors: errUnreadable; a page that promises more must say after which id.
func decodePage(body []byte) (page, error) {
	var w struct {
		Object string       `json:"object"`
		Data   []wireIntent `json:"data"`
		More   *bool        `json:"has_more"`
	}
	if err := json.Unmarshal(body, &w, lenient); err != nil || w.Object != "list" || w.More == nil || w.Data == nil {
		return page{}, errUnreadable
	}
	for i := range w.Data {
		if !isIntentID(w.Data[i].ID) {
			return page{}, errUnreadable
		}
	}
	if *w.More && len(w.Data) == 0 {
		return page{}, errUnreadable
	}
	return page{intents: w.Data, more: *w.More}, nil
}
