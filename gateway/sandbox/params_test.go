package sandbox

import (
	"strconv"
	"strings"
	"testing"
)

func TestRefusedParameters(t *testing.T) {
	many := func(n, keyLen, valueLen int) string {
		var b strings.Builder
		b.WriteString(cardOnly)
		for i := range n {
			k := strconv.Itoa(i)
			b.WriteString("&metadata[" + k + strings.Repeat("k", keyLen-len(k)) + "]=" + strings.Repeat("v", valueLen))
		}
		return b.String()
	}
	const m = "&payment_method=pm_card_visa"
	for _, c := range []struct {
		name, params, code, param string
	}{
		{"no amount", "currency=eur", "parameter_missing", "amount"},
		{"no currency", "amount=1000", "parameter_missing", "currency"},
		{"empty amount", "amount=&currency=eur", "parameter_invalid_empty", "amount"},
		{"amount in words", "amount=ten&currency=eur", "parameter_invalid_integer", "amount"},
		{"amount with a point", "amount=10.0&currency=eur", "parameter_invalid_integer", "amount"},
		{"amount with a plus", "amount=+10&currency=eur", "parameter_invalid_integer", "amount"},
		{"negative amount", "amount=-10&currency=eur", "parameter_invalid_integer", "amount"},
		{"zero", "amount=0&currency=eur", "parameter_invalid_integer", "amount"},
		{"too small", "amount=49&currency=eur", "amount_too_small", "amount"},
		{"too small in pounds", "amount=29&currency=gbp", "amount_too_small", "amount"},
		{"too small in yen", "amount=49&currency=jpy", "amount_too_small", "amount"},
		{"too large", "amount=100000000&currency=eur", "amount_too_large", "amount"},
		{"currency", "amount=1000&currency=xxx", "", "currency"},
		{"three decimals", "amount=1001&currency=kwd", "parameter_invalid_integer", "amount"},
		{"krona", "amount=1050&currency=isk", "parameter_invalid_integer", "amount"},
		{"unknown", cardOnly + "&colour=red", "parameter_unknown", "colour"},
		{"unknown nested", cardOnly + "&automatic_payment_methods[colour]=red", "parameter_unknown", "automatic_payment_methods[colour]"},
		{"card data", cardOnly + "&card[number]=x", "parameter_unknown", "card[number]"},
		{"nested scalar", "amount[x]=1000&currency=eur", "parameter_unknown", "amount[x]"},
		{"not supported", cardOnly + "&shipping[name]=x", "parameter_unknown", "shipping[name]"},
		{"manual capture", cardOnly + "&capture_method=manual", "", "capture_method"},
		{"payment method", cardOnly + "&payment_method=pm_none", "resource_missing", "payment_method"},
		{"customer", cardOnly + "&customer=bob", "resource_missing", "customer"},
		{"type", "amount=1000&currency=eur&payment_method_types[]=shells", "", "payment_method_types"},
		{"both kinds of types", cardOnly + "&automatic_payment_methods[enabled]=true", "", "payment_method_types"},
		{"redirects alone", cardOnly + "&automatic_payment_methods[allow_redirects]=never", "parameter_missing", "automatic_payment_methods[enabled]"},
		{"boolean", cardOnly + m + "&confirm=yes", "parameter_invalid_boolean", "confirm"},
		{"return_url without confirm", cardOnly + m + "&return_url=https://example.com", "", "return_url"},
		{"off_session without confirm", cardOnly + m + "&off_session=true", "", "off_session"},
		{"error_on_requires_action without confirm", cardOnly + m + "&error_on_requires_action=true", "", "error_on_requires_action"},
		{"confirm without method", cardOnly + "&confirm=true", "payment_intent_unexpected_state", "payment_method"},
		{"bad url", cardOnly + m + "&confirm=true&return_url=nowhere", "url_invalid", "return_url"},
		{"setup", cardOnly + "&setup_future_usage=never", "", "setup_future_usage"},
		{"suffix too long", cardOnly + "&statement_descriptor_suffix=ABCDEFGHIJKLMNOPQRSTUVW", "", "statement_descriptor_suffix"},
		{"suffix without letter", cardOnly + "&statement_descriptor_suffix=12", "", "statement_descriptor_suffix"},
		{"suffix with star", cardOnly + "&statement_descriptor_suffix=A*B", "", "statement_descriptor_suffix"},
		{"description", cardOnly + "&description=" + strings.Repeat("x", 5001), "parameter_invalid_string", "description"},
		{"expand", cardOnly + "&expand[]=review", "", "expand"},
		{"metadata as text", cardOnly + "&metadata=x", "", "metadata"},
		{"metadata key", many(1, 41, 1), "", "metadata"},
		{"metadata value", many(1, 5, 501), "", "metadata"},
		{"metadata count", many(51, 5, 1), "", "metadata"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, Options{})
			got := b.want(400, post(create, c.params, "key"))
			if got.text("error.type") != "invalid_request_error" || got.text("error.code") != c.code || got.text("error.param") != c.param ||
				got.text("error.message") == "" {
				t.Errorf("%v", got)
			}
			// Nothing was executed, so the key is still free for the corrected request.
			b.want(200, post(create, cardOnly, "key"))
		})
	}
	newBench(t, Options{}).want(200, post(create, many(50, 40, 500), ""))
}

func TestRefusalsHideLongNumbers(t *testing.T) {
	number := strings.Repeat("4242", 4) // a test card number
	b := newBench(t, Options{})
	for _, params := range []string{
		cardOnly + "&" + number + "=1", "amount=" + number + "&currency=" + number, "amount=x" + number + "&currency=eur",
		cardOnly + "&payment_method=pm_" + number, cardOnly + "&customer=" + number, cardOnly + "&expand[]=" + number,
		"amount=1000&currency=4242 4242-42424242",
	} {
		resp := b.do(post(create, params, ""), Fault{})
		if resp.Status != 400 || strings.Contains(string(resp.Body), number) || strings.Contains(string(resp.Body), "4242 4242") {
			t.Errorf("%d %s", resp.Status, resp.Body)
		}
	}
	resp := b.do(get(create+"/pi_"+number, ""), Fault{})
	if strings.Contains(string(resp.Body), number) {
		t.Errorf("%s", resp.Body)
	}
}

func TestAuthentication(t *testing.T) {
	b := newBench(t, Options{})
	for _, c := range []struct {
		header string
		status int
	}{
		{"", 401},
		{"Bearer ", 401},
		{"sk_test_shop", 401},
		{"Bearer pk_test_shop", 401},
		{"Bearer nonsense", 401},
		{"Bearer sk_live_" + "shop", 401},
		{"Basic !!", 401},
		{"Bearer sk_test_", 401},
		{"Bearer sk_test_shop", 200},
		{"Bearer rk_test_shop_2", 200},
		{"Basic c2tfdGVzdF9zaG9wOg==", 200}, // sk_test_shop:
	} {
		r := get("/v1/balance", "")
		r.Authorization = c.header
		if resp := b.do(r, Fault{}); resp.Status != c.status {
			t.Errorf("%q: %d, want %d", c.header, resp.Status, c.status)
		}
	}
	// A missing key is refused before the idempotency layer: the key stays free.
	r := post(create, cardOnly, "k")
	r.Authorization = ""
	b.want(401, r)
	b.want(200, post(create, cardOnly, "k"))
	// Accounts do not see each other's objects or keys.
	id := b.intent(cardOnly)
	other := get(create+"/"+id, "")
	other.Authorization = "Bearer sk_test_other"
	b.want(404, other)
	stranger := post(create+"/"+id+"/confirm", "payment_method=pm_card_visa", "")
	stranger.Authorization = other.Authorization
	b.want(404, stranger)
	b.charges(0)
	connected := get("/v1/balance", "")
	connected.OnBehalf = "acct_1"
	b.want(403, connected)
}

func TestUnknownPaths(t *testing.T) {
	b := newBench(t, Options{})
	for _, r := range []Request{
		get("/", ""), get("/v1/charges", ""), post("/v1/balance", "", ""), post(create+"/pi_1", "", ""),
		post(create+"/pi_1/capture", "", ""), post(create+"/pi_1/confirm/x", "", ""), get(create+"x", ""), get(create+"/", ""),
	} {
		if got := b.want(404, r); got.text("error.type") != "invalid_request_error" {
			t.Errorf("%s %s: %v", r.Method, r.Path, got)
		}
	}
	if got := b.want(404, get(create+"/pi_1", "")); got.text("error.code") != "resource_missing" {
		t.Errorf("%v", got)
	}
}
