package sandbox

import (
	"net/http"
	"slices"
)

const (
	balanceBody = `{"object":"balance","available":[{"amount":0,"currency":"usd","source_types":{"card":0}}],"livemode":false,` +
		`"pending":[{"amount":0,"currency":"usd","source_types":{"card":0}}]}`
	accountBody = `","object":"account","business_type":null,"charges_enabled":true,"country":"US","default_currency":"usd",` +
		`"details_submitted":true,"email":null,"metadata":{},"payouts_enabled":false,"type":"standard"}`
)

// read answers a GET.
func (s *Stripe) read(p *Pending, t int64) {
	switch p.fault.Kind {
	case Error500Effect, Error500NoEffect, Error500LateEffect:
		s.inject(p, t)
		p.resp.refuse(serverError())
		return
	}
	a := answer{status: http.StatusOK, expand: p.params.expand}
	after := s.pos
	var bad *apiError
	switch p.ep {
	case epBalance:
		a.fixed = balanceBody
	case epAccount:
		a.fixed = `{"id":"` + p.account + accountBody
	case epRetrieve:
		a.intent = s.owned(p)
		switch {
		case a.intent == nil:
			bad = noSuchIntent(p.id, "intent", http.StatusNotFound)
		case p.params.secretGiven != "" && p.params.secretGiven != a.intent.ID+"_secret_"+a.intent.Secret:
			bad = invalid("payment_intent_invalid_parameter", "client_secret", "The client_secret provided does not match the client_secret associated with the PaymentIntent.")
		default:
			after = a.intent.pos
		}
	case epList:
		a.list, bad = s.list(p)
	case epSearch:
		a.list, bad = s.search(p, t)
	}
	if bad != nil {
		p.resp.refuse(bad)
	} else {
		p.resp.set(a)
	}
	p.resp.after = max(after, p.resp.after)
	s.spoil(p, t)
}

// list pages through an account's intents, newest first. ending_before gives the page that ends before that object,
// as Stripe does: the nearest ones, still newest first.
func (s *Stripe) list(p *Pending) (*page, *apiError) {
	q := p.params
	ids := s.lists[p.account]
	lo, hi := 0, len(ids) // the part of ids that may be shown
	for _, c := range [...]struct {
		id, param string
	}{{q.after, "starting_after"}, {q.before, "ending_before"}} {
		if c.id == "" {
			continue
		}
		at := s.indexOf(ids, c.id)
		if at < 0 {
			return nil, noSuchIntent(c.id, c.param, http.StatusBadRequest)
		}
		if c.param == "starting_after" {
			hi = at
		} else {
			lo = at + 1
		}
	}
	ids = ids[lo:hi]
	out := &page{}
	take := func(id string) (full bool) {
		pi := s.intents[id]
		if sec := pi.Created / 1000; sec < q.created.from || sec > q.created.to || q.customer != "" && pi.Customer != q.customer {
			return false
		}
		if len(out.data) == q.limit {
			out.more = true
			return true
		}
		out.data = append(out.data, pi)
		return false
	}
	if q.before != "" {
		for _, id := range ids {
			if take(id) {
				break
			}
		}
		slices.Reverse(out.data)
		return out, nil
	}
	// Skip at once what is too new; the walk ends at what is too old.
	hi, _ = slices.BinarySearchFunc(ids, q.created.to, func(id string, to int64) int {
		if s.intents[id].Created/1000 <= to {
			return -1
		}
		return 1
	})
	for n := hi - 1; n >= 0; n-- {
		if s.intents[ids[n]].Created/1000 < q.created.from || take(ids[n]) {
			break
		}
	}
	return out, nil
}

// indexOf finds an id in a list that is in order of creation.
func (s *Stripe) indexOf(ids []string, id string) int {
	pi := s.intents[id]
	if pi == nil {
		return -1
	}
	n, _ := slices.BinarySearchFunc(ids, pi.Created, func(id string, created int64) int {
		if s.intents[id].Created < created {
			return -1
		}
		return 1
	})
	for ; n < len(ids) && s.intents[ids[n]].Created == pi.Created; n++ {
		if ids[n] == id {
			return n
		}
	}
	return -1
}

// search finds intents by metadata once they are indexed, newest first. The objects are as they are now: only their
// appearance lags (https://docs.stripe.com/search#data-freshness).
func (s *Stripe) search(p *Pending, t int64) (*page, *apiError) {
	q := p.params
	ids := s.lists[p.account]
	end := len(ids)
	if q.page != "" {
		if end = s.indexOf(ids, q.page); end < 0 {
			return nil, invalid("", "page", "Invalid page.")
		}
	}
	out := &page{search: true}
	for n := end - 1; n >= 0; n-- {
		pi := s.intents[ids[n]]
		if t-pi.Indexed < s.opt.SearchLag.Milliseconds() || !pi.matches(q.query) {
			continue
		}
		if len(out.data) == q.limit {
			out.more, out.next = true, out.data[len(out.data)-1].ID
			break
		}
		out.data = append(out.data, pi)
	}
	return out, nil
}

func (i *intent) matches(query []pair) bool {
	for _, q := range query {
		if lookup(i.Metadata, q.K) != q.V {
			return false
		}
	}
	return true
}
