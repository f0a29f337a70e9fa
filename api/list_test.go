package api

import (
	"net/url"
	"strings"
	"testing"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

func ids(a answer) []string {
	var all []string
	list, _ := a.json["data"].([]any)
	for _, p := range list {
		all = append(all, p.(map[string]any)["id"].(string))
	}
	return all
}

func TestListPages(t *testing.T) {
	h := newHouse(t)
	var made []string
	for _, k := range []string{"a", "b", "c", "d", "e"} {
		made = append([]string{h.submit(k, plain).text("id")}, made...)
	}
	h.call(request{method: "POST", target: "/v1/payments", secret: h.other, key: "x", body: plain}).want(t, 202, "")

	var seen []string
	target := "/v1/payments?limit=2"
	for range 5 {
		a := h.get(target)
		a.want(t, 200, "")
		seen = append(seen, ids(a)...)
		if a.text("next_cursor") == "" {
			break
		}
		target = "/v1/payments?limit=2&cursor=" + a.text("next_cursor")
	}
	if strings.Join(seen, " ") != strings.Join(made, " ") {
		t.Errorf("seen %v, want %v", seen, made)
	}
}

func TestListFilters(t *testing.T) {
	h := newHouse(t)
	paid := h.submit("a", ordered).text("id")
	open := h.submit("b", plain).text("id")
	id, _ := events.ParseID(paid)
	h.ledger.Change(id, func(r *idempotency.Record) {
		r.State = idempotency.Succeeded
		r.Attention = &idempotency.Attention{Class: idempotency.AttentionDuplicate, Since: idempotency.At(start)}
	})
	for target, want := range map[string]string{
		"":                                    open + " " + paid,
		"?state=succeeded":                    paid,
		"?state=unknown":                      "",
		"?reference=order-A1":                 paid,
		"?reference=order-A":                  "",
		"?attention=true":                     paid,
		"?attention=false":                    open + " " + paid,
		"?created_after=2026-03-01T10:59:59Z": open + " " + paid,
		"?created_after=" + url.QueryEscape("2026-03-01T12:00:00+01:00"): "",
		"?state=accepted&limit=100":                                      open,
	} {
		a := h.get("/v1/payments" + target)
		a.want(t, 200, "")
		if got := strings.Join(ids(a), " "); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

func TestListRefusals(t *testing.T) {
	h := newHouse(t)
	for target, want := range map[string]struct {
		code, parameter string
	}{
		"?state=paid":                              {"invalid_parameter", "state"},
		"?state=":                                  {"invalid_parameter", "state"},
		"?state=absent":                            {"invalid_parameter", "state"},
		"?reference=":                              {"invalid_parameter", "reference"},
		"?reference=%ff":                           {"invalid_parameter", "reference"},
		"?reference=" + strings.Repeat("x", 129):   {"invalid_parameter", "reference"},
		"?reference=" + testCard():                 {"card_number", "reference"},
		"?created_after=yesterday":                 {"invalid_parameter", "created_after"},
		"?created_after=2026-03-01":                {"invalid_parameter", "created_after"},
		"?created_after=2026-03-01T11:00:00+01:00": {"invalid_parameter", "created_after"}, // + is a space
		"?attention=yes":                           {"invalid_parameter", "attention"},
		"?limit=0":                                 {"invalid_parameter", "limit"},
		"?limit=101":                               {"invalid_parameter", "limit"},
		"?limit=-1":                                {"invalid_parameter", "limit"},
		"?limit=1e1":                               {"invalid_parameter", "limit"},
		"?limit=" + testCard():                     {"invalid_parameter", "limit"},
		"?limit=1&limit=2":                         {"invalid_parameter", "limit"},
		"?cursor=":                                 {"invalid_parameter", "cursor"},
		"?cursor=a%20b":                            {"invalid_parameter", "cursor"},
		"?cursor=zz":                               {"invalid_parameter", "cursor"},
		"?cursor=" + strings.Repeat("1", 65):       {"invalid_parameter", "cursor"},
		"?offset=3":                                {"invalid_parameter", "query"},
		"?x=" + testCard():                         {"card_number", "query"},
		"?" + testCard() + "=x":                    {"card_number", "query"},
		"?%zz":                                     {"invalid_parameter", "query"},
		"?%zz=" + testCard():                       {"card_number", "query"},
		"?a;b":                                     {"invalid_parameter", "query"},
	} {
		a := h.get("/v1/payments" + target)
		if a.text("code") != want.code || !strings.Contains(string(a.body), `"parameter":"`+want.parameter+`"`) {
			t.Errorf("%s: %s", target, a.body)
		}
		if strings.Contains(string(a.body)+h.logged.String(), testCard()) {
			t.Errorf("%s: repeated", target)
		}
	}
}

func FuzzQuery(f *testing.F) {
	f.Add("limit=1&state=succeeded")
	f.Add("reference=%20&cursor=-")
	f.Add("after=1-2;wait=3")
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseQuery(raw, listParams)
		if err != nil {
			if p := problemOf(err); p.status() < 400 || p.status() > 499 {
				t.Errorf("%v", err)
			}
			return
		}
		n := q.integer("limit", 20, 1, 100)
		if n < 1 || n > 100 {
			t.Errorf("limit %d", n)
		}
	})
}
