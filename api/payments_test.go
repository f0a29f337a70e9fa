package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

func TestSubmit(t *testing.T) {
	h := newHouse(t)
	first := h.submit("k1", ordered)
	first.want(t, 202, "")
	if first.header.Get("Location") != "/v1/payments/"+first.text("id") || first.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("headers: %v", first.header)
	}
	if first.text("state") != "accepted" || first.text("created_at") != "2026-03-01T11:00:00.000Z" || first.text("currency") != "EUR" {
		t.Errorf("payment: %s", first.body)
	}
	if !strings.Contains(string(first.body), `"metadata":{"a":"1","b":"2"}`) {
		t.Errorf("metadata: %s", first.body)
	}

	again := h.submit(`"k1"`, ordered)
	again.want(t, 202, "")
	if again.header.Get("Idempotent-Replayed") != "true" || again.text("id") != first.text("id") {
		t.Errorf("repeat: %v %s", again.header, again.body)
	}

	h.submit("k1", plain).want(t, 422, "idempotency_key_reused")

	held := h.submit("k2", ordered)
	held.want(t, 409, "reference_held")
	holder := held.json["holder"].(map[string]any)
	if holder["id"] != first.text("id") || holder["state"] != "accepted" || holder["age_seconds"] != 0.0 {
		t.Errorf("holder: %s", held.body)
	}

	id, err := events.ParseID(first.text("id"))
	if err != nil {
		t.Fatal(err)
	}
	h.ledger.Change(id, func(r *idempotency.Record) { r.State, r.Captured = idempotency.Succeeded, 1000 })
	final := h.submit("k1", ordered)
	final.want(t, 200, "")
	if final.header.Get("Idempotent-Replayed") != "true" || final.text("state") != "succeeded" {
		t.Errorf("final: %s", final.body)
	}
}

func TestSubmitWarnings(t *testing.T) {
	h := newHouse(t)
	a := h.submit("k1", `{"amount":501,"currency":"isk","payment_method":"pm_card_visa"}`)
	a.want(t, 202, "")
	if list, _ := a.json["warnings"].([]any); len(list) == 0 {
		t.Errorf("no warnings: %s", a.body)
	}
	if got := h.get(a.header.Get("Location")); got.json["warnings"] != nil {
		t.Errorf("warnings on a read: %s", got.body)
	}
}

func TestSubmitRefusals(t *testing.T) {
	card := testCard()
	for name, c := range map[string]struct {
		edit   func(*request)
		status int
		code   string
	}{
		"no key":             {func(q *request) { q.key = "" }, 400, "idempotency_key_missing"},
		"two keys":           {func(q *request) { q.header = map[string][]string{"Idempotency-Key": {"a", "b"}} }, 400, "idempotency_key_twice"},
		"the same key twice": {func(q *request) { q.header = map[string][]string{"Idempotency-Key": {"a", "a"}} }, 400, "idempotency_key_twice"},
		"empty key":          {func(q *request) { q.key = `""` }, 400, "idempotency_key_invalid"},
		"open quote":         {func(q *request) { q.key = `"k` }, 400, "idempotency_key_invalid"},
		"space in the key":   {func(q *request) { q.key = `a b` }, 400, "idempotency_key_invalid"},
		"long key":           {func(q *request) { q.key = strings.Repeat("k", 256) }, 400, "idempotency_key_invalid"},
		"card in the key":    {func(q *request) { q.key = card }, 422, "card_number"},
		"no content type":    {func(q *request) { q.header = map[string][]string{"Content-Type": nil} }, 415, "unsupported_media_type"},
		"two content types":  {func(q *request) { q.header = map[string][]string{"Content-Type": {"application/json", "text/plain"}} }, 415, "unsupported_media_type"},
		"form": {func(q *request) {
			q.header = map[string][]string{"Content-Type": {"application/x-www-form-urlencoded"}}
		}, 415, "unsupported_media_type"},
		"Latin-1": {func(q *request) {
			q.header = map[string][]string{"Content-Type": {"application/json; charset=iso-8859-1"}}
		}, 415, "unsupported_media_type"},
		"compressed":        {func(q *request) { q.header = map[string][]string{"Content-Encoding": {"gzip"}} }, 415, "unsupported_media_type"},
		"card in the query": {func(q *request) { q.target += "?x=" + card }, 422, "card_number"},
		"escaped in the query": {func(q *request) {
			q.target += "?x=" + strings.ReplaceAll(card, "4", "%34")
		}, 422, "card_number"},
		"card in a known one": {func(q *request) { q.header = map[string][]string{"User-Agent": {card}} }, 422, "card_number"},
		"card in a name":      {func(q *request) { q.header = map[string][]string{"X-" + "-" + card: {"1"}} }, 422, "card_number"},
		"card in the body":    {func(q *request) { q.body = `{"reference":"` + card + `"}` }, 422, "card_number"},
		"card data member":    {func(q *request) { q.body = `{"cvc":"1"}` }, 422, "card_data_member"},
		"manual capture":      {func(q *request) { q.body = plain[:len(plain)-1] + `,"capture_method":"manual"}` }, 422, "capture_method_unsupported"},
		"trailing data":       {func(q *request) { q.body += "{}" }, 400, "malformed_json"},
		"unknown member":      {func(q *request) { q.body = `{"amuont":1}` }, 400, "invalid_request"},
		"duplicate member":    {func(q *request) { q.body = `{"amount":1,"amount":2}` }, 400, "malformed_json"},
		"too large":           {func(q *request) { q.body = strings.Repeat(" ", MaxBody+1) }, 413, "body_too_large"},
		"missing secret":      {func(q *request) { q.secret = "" }, 401, "unauthenticated"},
		"malformed secret":    {func(q *request) { q.secret = "po_x" }, 401, "unauthenticated"},
		"two authorizations": {func(q *request) {
			q.header = map[string][]string{"Authorization": {"Bearer " + q.secret, "Bearer " + q.secret}}
		}, 401, "unauthenticated"},
		"another scheme":        {func(q *request) { q.header = map[string][]string{"Authorization": {"Basic " + q.secret}} }, 401, "unauthenticated"},
		"unauthenticated first": {func(q *request) { q.secret = ""; q.body = card; q.key = card }, 401, "unauthenticated"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			q := request{method: "POST", target: "/v1/payments", secret: h.shop, key: "k1", body: plain}
			c.edit(&q)
			a := h.call(q)
			a.want(t, c.status, c.code)
			if n := len(h.ledger.Records()); n != 0 {
				t.Errorf("%d records", n)
			}
			if strings.Contains(string(a.body)+h.logged.String(), card) {
				t.Errorf("the card number is repeated: %s %s", a.body, h.logged)
			}
		})
	}
}

func TestSubmitTakes(t *testing.T) {
	uid := "123e4567-e89b-12d3-a456-" + "426614174000"
	for name, edit := range map[string]func(*request){
		"charset":             func(q *request) { q.header = map[string][]string{"Content-Type": {"application/json; charset=UTF-8"}} },
		"uuid as key":         func(q *request) { q.key = uid },
		"largest body":        func(q *request) { q.body += strings.Repeat(" ", MaxBody-len(q.body)) },
		"numeric header":      func(q *request) { q.header = map[string][]string{"X-Datadog-Trace-Id": {testCard()}} },
		"unlisted header":     func(q *request) { q.header = map[string][]string{"X-Request-Id": {uid}} },
		"lower-case bearer":   func(q *request) { q.header = map[string][]string{"Authorization": {"bearer " + q.secret}} },
		"order with a letter": func(q *request) { q.body = plain[:len(plain)-1] + `,"reference":"A` + testCard() + `"}` },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			q := request{method: "POST", target: "/v1/payments", secret: h.shop, key: "k1", body: plain}
			edit(&q)
			h.call(q).want(t, 202, "")
		})
	}
}

// The whole corpus of malformed bodies: a 4xx problem each, nothing stored, nothing repeated in the log.
func TestMalformedCorpus(t *testing.T) {
	raw, err := os.ReadFile("../events/testdata/malformed.json")
	if err != nil {
		t.Fatal(err)
	}
	var corpus []struct {
		Name string `json:"name"`
		Body []byte `json:"body_base64"`
		Code string `json:"code"`
	}
	if err := json.Unmarshal(raw, &corpus); err != nil {
		t.Fatal(err)
	}
	if len(corpus) < 100 {
		t.Fatalf("only %d bodies", len(corpus))
	}
	h := newHouse(t)
	for _, c := range corpus {
		t.Run(c.Name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/v1/payments", strings.NewReader(string(c.Body)))
			r.Header.Set("Authorization", "Bearer "+h.shop)
			r.Header.Set("Idempotency-Key", "k1")
			r.Header.Set("Content-Type", "application/json")
			a := h.do(r)
			if a.status < 400 || a.status > 499 {
				t.Errorf("answered %d: %s", a.status, a.body)
			}
			if c.Code != "" && a.text("code") != c.Code {
				t.Errorf("code %s, want %s", a.text("code"), c.Code)
			}
		})
	}
	if n := len(h.ledger.Records()); n != 0 {
		t.Errorf("%d records", n)
	}
}

func TestBodyWithoutLength(t *testing.T) {
	for size, status := range map[int]int{len(plain): 202, MaxBody: 202, MaxBody + 1: 413, 10 * MaxBody: 413} {
		h := newHouse(t)
		r := httptest.NewRequest(http.MethodPost, "/v1/payments", strings.NewReader(plain+strings.Repeat(" ", size-len(plain))))
		r.ContentLength = -1
		r.Header.Set("Authorization", "Bearer "+h.shop)
		r.Header.Set("Idempotency-Key", "k1")
		r.Header.Set("Content-Type", "application/json")
		h.do(r).want(t, status, "")
	}
}

// brokenReader gives a part of a body, then fails.
type brokenReader struct {
	part string
	err  error
}

func (b *brokenReader) Read(p []byte) (int, error) {
	if b.part == "" {
		return 0, b.err
	}
	n := copy(p, b.part)
	b.part = b.part[n:]
	return n, nil
}

func TestBodyThatBreaksOff(t *testing.T) {
	for code, cause := range map[string]error{"request_timeout": os.ErrDeadlineExceeded, "malformed_json": errors.New("unexpected EOF")} {
		h := newHouse(t)
		r := httptest.NewRequest(http.MethodPost, "/v1/payments", &brokenReader{plain[:20], cause})
		r.Header.Set("Authorization", "Bearer "+h.shop)
		r.Header.Set("Idempotency-Key", "k1")
		r.Header.Set("Content-Type", "application/json")
		if a := h.do(r); a.text("code") != code {
			t.Errorf("%s: %s", code, a.body)
		}
		if len(h.ledger.Records()) != 0 {
			t.Error("half a body was stored")
		}
	}
}

func TestUndecidedAndBacklog(t *testing.T) {
	h := newHouse(t)
	h.ledger.Before = func(idempotency.Change) error { return errors.New("disk, near " + testCard()) }
	a := h.submit("k1", plain)
	a.want(t, 503, "undecided")
	if a.header.Get("Retry-After") != "1" {
		t.Errorf("headers: %v", a.header)
	}
	if !strings.Contains(h.logged.String(), "disk, near") || strings.Contains(h.logged.String(), testCard()) {
		t.Errorf("the log should name the cause, redacted: %s", h.logged)
	}
	h.ledger.Before, h.ledger.Extra = nil, 100_000
	a = h.submit("k1", plain)
	a.want(t, 503, "backlog_full")
	if a.header.Get("Retry-After") != "5" {
		t.Errorf("headers: %v", a.header)
	}
}

func TestCancel(t *testing.T) {
	h := newHouse(t)
	cancel := func(key string) answer {
		return h.call(request{method: "POST", target: "/v1/payments/cancel", secret: h.shop, key: key})
	}
	first := h.submit("k1", ordered)
	a := cancel("k1")
	a.want(t, 202, "")
	if a.text("id") != first.text("id") || a.header.Get("Location") == "" {
		t.Errorf("cancel: %s", a.body)
	}
	if cancel("k1").header.Get("Idempotent-Replayed") != "true" {
		t.Error("a second cancel is a repeat")
	}

	tomb := cancel("k2")
	tomb.want(t, 200, "")
	if tomb.text("state") != "canceled" || tomb.json["amount"] != nil || tomb.json["currency"] != nil {
		t.Errorf("tombstone: %s", tomb.body)
	}
	late := h.submit("k2", plain)
	late.want(t, 200, "")
	if late.text("state") != "canceled" || late.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the late submit: %s", late.body)
	}

	done := h.submit("k3", plain)
	id, _ := events.ParseID(done.text("id"))
	h.ledger.Change(id, func(r *idempotency.Record) { r.State = idempotency.Succeeded })
	a = cancel("k3")
	a.want(t, 409, "too_late_to_cancel")
	if p := a.json["payment"].(map[string]any); p["id"] != done.text("id") || p["state"] != "succeeded" {
		t.Errorf("payment: %s", a.body)
	}

	cancel("").want(t, 400, "idempotency_key_missing")
	h.call(request{method: "POST", target: "/v1/payments/cancel", secret: h.shop, key: "k1", body: "{}"}).want(t, 400, "invalid_request")
	h.call(request{method: "POST", target: "/v1/payments/cancel", key: "k1"}).want(t, 401, "unauthenticated")
}

func TestGetIsScopedToTheTenant(t *testing.T) {
	h := newHouse(t)
	a := h.submit("k1", ordered)
	target := a.header.Get("Location")
	h.get(target).want(t, 200, "")
	mine := h.call(request{method: "GET", target: target, secret: h.other})
	mine.want(t, 404, "not_found")
	none := h.call(request{method: "GET", target: "/v1/payments/pay_" + strings.Repeat("0", 32), secret: h.other})
	none.want(t, 404, "not_found")
	strip := func(a answer) string {
		return strings.ReplaceAll(string(a.body), a.text("request_id"), "")
	}
	if strip(mine) != strip(none) {
		t.Error("another tenant's payment can be told from none")
	}
	for _, id := range []string{"x", "pay_", strings.ToUpper(a.text("id")), testCard(), "cancel"} {
		h.get("/v1/payments/"+id).want(t, 404, "not_found")
	}
	h.ledger.Reads = func() error { return errors.New("disk") }
	h.get(target).want(t, 500, "internal")
}

// A payment with everything it can have is of the schema.
func TestFullPayment(t *testing.T) {
	h := newHouse(t)
	a := h.submit("k1", ordered)
	id, _ := events.ParseID(a.text("id"))
	h.ledger.Change(id, func(r *idempotency.Record) {
		r.State, r.Intent, r.Charge, r.NextAction = idempotency.RequiresAction, "pi_1", "ch_1", "redirect_to_url"
		r.Attempts = []idempotency.Attempt{{Number: 3, Sends: 1}}
		r.Card = &events.Card{Brand: "visa", Last4: "4242", ExpMonth: 12, ExpYear: 2030}
		r.Failure = &events.Failure{Code: "card_declined", DeclineCode: "do_not_honor", Message: "say \"no\"", NextStep: "ask"}
		r.Attention = &idempotency.Attention{Class: idempotency.AttentionOverdue, Since: idempotency.At(start)}
	})
	got := h.get(a.header.Get("Location"))
	for _, want := range []string{
		`"attempts":3`, `"stripe":{"payment_intent":"pi_1","charge":"ch_1"}`, `"card":{"brand":"visa","last4":"4242","exp_month":12,"exp_year":2030}`,
		`"failure":{"code":"card_declined","decline_code":"do_not_honor","message":"say \"no\"","next_step":"ask"}`,
		`"next_action":{"type":"redirect_to_url"}`, `"attention":{"class":"overdue","since":"2026-03-01T11:00:00.000Z"}`,
	} {
		if !strings.Contains(string(got.body), want) {
			t.Errorf("lacks %s: %s", want, got.body)
		}
	}
}
