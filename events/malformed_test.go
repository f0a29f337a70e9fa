package events

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the files under testdata")

// malformedBody is a body that must be refused. code is InvalidError.Code.
type malformedBody struct{ name, body, code, why string }

// malformedKey is a set of Idempotency-Key values that must be refused. why is
// the error's code.
type malformedKey struct {
	name   string
	values []string
	why    string
}

func malformedKeys() []malformedKey {
	keys := []malformedKey{
		{"missing", nil, "key_missing"},
		{"twice, same", []string{"a", "a"}, "key_twice"},
		{"twice, other", []string{"a", "b"}, "key_twice"},
		{"twice, quoted", []string{`"a"`, "a"}, "key_twice"},
		{"three times", []string{"a", "b", "c"}, "key_twice"},
		{"empty", []string{""}, KeyEmpty},
		{"spaces", []string{"   "}, KeyEmpty},
		{"empty quotes", []string{`""`}, KeyEmpty},
		{"256 characters", []string{strings.Repeat("k", 256)}, KeyTooLong},
		{"256 characters quoted", []string{`"` + strings.Repeat("k", 256) + `"`}, KeyTooLong},
		{"8000 characters", []string{strings.Repeat("k", 8000)}, KeyTooLong},
		{"space inside", []string{"a b"}, KeyCharacters},
		{"space inside quotes", []string{`"a b"`}, KeyCharacters},
		{"joined by a proxy", []string{"a, b"}, KeyCharacters},
		{"tab inside", []string{"a\tb"}, KeyCharacters},
		{"umlaut", []string{"schl\u00fcssel"}, KeyCharacters},
		{"latin-1", []string{"schl\xfcssel"}, KeyCharacters},
		{"emoji", []string{"\U0001f511"}, KeyCharacters},
		{"delete character", []string{"a\x7f"}, KeyCharacters},
		{"quote not closed", []string{`"a`}, KeyQuoting},
		{"one quote", []string{`"`}, KeyQuoting},
		{"quote inside quotes", []string{`"a"b"`}, KeyQuoting},
		{"text behind the quotes", []string{`"a"b`}, KeyQuoting},
		{"parameters", []string{`"a";v=1`}, KeyQuoting},
		{"unknown escape", []string{`"a\n"`}, KeyQuoting},
		{"escape at the end", []string{`"a\"`}, KeyQuoting},
		{"quoted list", []string{`"a", "b"`}, KeyQuoting},
	}
	for network, number := range testCards {
		keys = append(
			keys,
			malformedKey{"card number, " + network, []string{number}, KeyCardNumber},
			malformedKey{"card number in dashes, " + network, []string{"order-" + spaced(number, "-")}, KeyCardNumber},
		)
	}
	return keys
}

// with gives a valid body with one member replaced or added; value is JSON.
func with(member, value string) string {
	members := [][2]string{{"amount", "1000"}, {"currency", `"EUR"`}, {"payment_method", `"pm_card_visa"`}}
	out, found := []string{}, false
	for _, m := range members {
		if m[0] == member {
			m[1], found = value, true
			if value == "" {
				continue
			}
		}
		out = append(out, fmt.Sprintf("%q:%s", m[0], m[1]))
	}
	if !found {
		out = append(out, fmt.Sprintf("%q:%s", member, value))
	}
	return "{" + strings.Join(out, ",") + "}"
}

func malformedBodies() (out []malformedBody) {
	valid := `{"amount":1000,"currency":"EUR","payment_method":"pm_card_visa"}`
	add := func(code, name, body, why string) { out = append(out, malformedBody{name, body, code, why}) }

	for _, c := range []struct{ name, body, why string }{
		{"empty", "", "no body"},
		{"white space", " \n\t", "no JSON"},
		{"null", "null", "not an object"},
		{"true", "true", "not an object"},
		{"number", "1", "not an object"},
		{"string", `"x"`, "not an object"},
		{"array", "[]", "not an object"},
		{"array of one", "[" + valid + "]", "not an object"},
		{"open brace", "{", "ends early"},
		{"close brace", "}", "not JSON"},
		{"name only", `{"amount"`, "ends early"},
		{"no value", `{"amount":}`, "not JSON"},
		{"no colon", `{"amount" 1000}`, "not JSON"},
		{"trailing comma", `{"amount":1000,}`, "not JSON"},
		{"leading comma", `{,"amount":1000}`, "not JSON"},
		{"two commas", `{"amount":1000,,"currency":"EUR"}`, "not JSON"},
		{"single quotes", `{'amount':1000}`, "not JSON"},
		{"name without quotes", `{amount:1000}`, "not JSON"},
		{"comment", `{"amount":1000/*ten*/,"currency":"EUR","payment_method":"pm_card_visa"}`, "not JSON"},
		{"line comment", valid + "//x", "not JSON"},
		{"trailing object", valid + valid, "trailing data"},
		{"trailing word", valid + "x", "trailing data"},
		{"trailing null", valid + " null", "trailing data"},
		{"trailing brace", valid + "}", "trailing data"},
		{"trailing comma behind", valid + ",", "trailing data"},
		{"trailing NUL", valid + "\x00", "trailing data"},
		{"byte order mark", "\xef\xbb\xbf" + valid, "not JSON"},
		{"utf-16", "{\x00}\x00", "not UTF-8 JSON"},
		{"form", "amount=1000&currency=eur&payment_method=pm_card_visa", "a form, not JSON"},
		{"xml", "<payment/>", "not JSON"},
		{"html entity", "{&quot;amount&quot;:1000}", "not JSON"},
		{"numeric name", `{1:2}`, "names are strings"},
		{"leading zero", with("amount", "01000"), "not a JSON number"},
		{"plus sign", with("amount", "+1000"), "not a JSON number"},
		{"hex number", with("amount", "0x10"), "not a JSON number"},
		{"NaN", with("amount", "NaN"), "not a JSON number"},
		{"Infinity", with("amount", "Infinity"), "not a JSON number"},
		{"bare point", with("amount", "1."), "not a JSON number"},
		{"underscores", with("amount", "1_000"), "not a JSON number"},
		{"thousands", with("amount", "1,000"), "not JSON"},
		{"True", with("off_session", "True"), "not a JSON literal"},
		{"undefined", with("customer", "undefined"), "not a JSON literal"},
		{"string not closed", `{"amount":1000,"currency":"EUR`, "ends early"},
		{"line break in a string", with("description", "\"a\nb\""), "control character not escaped"},
		{"tab in a string", with("description", "\"a\tb\""), "control character not escaped"},
		{"NUL in a string", with("description", "\"a\x00b\""), "control character not escaped"},
		{"unknown escape", with("description", `"\x41"`), "no such escape"},
		{"short unicode escape", with("description", `"\u12"`), "no such escape"},
		{"lone high surrogate", with("description", `"\ud800"`), "unpaired surrogate"},
		{"lone low surrogate", with("description", `"\udc00"`), "unpaired surrogate"},
		{"surrogates reversed", with("description", `"\udc00\ud800"`), "unpaired surrogates"},
		{"invalid utf-8 in a value", with("description", "\"\xff\""), "invalid UTF-8"},
		{"invalid utf-8 in a name", with("\xff", "1"), "invalid UTF-8"},
		{"overlong utf-8", with("description", "\"\xc0\xaf\""), "invalid UTF-8"},
		{"cut utf-8", with("description", "\"\xe2\x82\""), "invalid UTF-8"},
		{"latin-1", with("description", "\"caf\xe9\""), "invalid UTF-8"},
		{"utf-8 surrogate", with("description", "\"\xed\xa0\x80\""), "invalid UTF-8"},
		{"amount twice", `{"amount":1,"amount":1000,"currency":"EUR","payment_method":"pm_card_visa"}`, "duplicate member"},
		{"amount twice, equal", `{"amount":1000,"amount":1000,"currency":"EUR","payment_method":"pm_card_visa"}`, "duplicate member"},
		{"amount twice, escaped", `{"amount":1,"\u0061mount":1000,"currency":"EUR","payment_method":"pm_card_visa"}`, "duplicate member"},
		{"unknown twice", `{"x":1,"x":2}`, "duplicate member"},
		{"metadata twice", `{"metadata":{},"metadata":{}}`, "duplicate member"},
		{"metadata name twice", with("metadata", `{"a":"1","a":"2"}`), "duplicate member"},
		{"nested name twice", with("x", `{"a":{"b":1,"b":2}}`), "duplicate member"},
		{"brackets mixed", `{"x":[}]`, "not JSON"},
		{"deep arrays not closed", strings.Repeat("[", 20000), "not an object"},
		{"deep objects not closed", strings.Repeat(`{"a":`, 12000), "nested too deep"},
		{"deep arrays", `{"x":` + strings.Repeat("[", 12000) + strings.Repeat("]", 12000) + "}", "nested too deep"},
	} {
		add(CodeMalformedJSON, c.name, c.body, c.why)
	}

	invalid := func(name, body, why string) { add(CodeInvalidRequest, name, body, why) }
	invalid("no members", "{}", "required members are missing")
	for _, m := range []string{"amount", "currency", "payment_method"} {
		invalid(m+" missing", with(m, ""), "required member is missing")
	}
	// Every member with every type that it does not have.
	values := map[string]string{
		"null": "null", "a number": "1", "a string": `"x"`, "true": "true",
		"an object": `{"a":"b"}`, "an array": `["x"]`, "an empty object": "{}", "an empty array": "[]",
	}
	takes := map[string]string{
		"amount": "a number", "currency": "", "payment_method": "", "customer": "", "reference": "a string",
		"description": "a string", "metadata": "an object,an empty object", "return_url": "", "off_session": "true",
		"setup_future_usage": "", "statement_descriptor_suffix": "a string", "allow_repeat": "true", "capture_method": "",
	}
	for _, m := range members {
		for name, value := range values {
			if !strings.Contains(","+takes[m]+",", ","+name+",") {
				invalid(m+" is "+name, with(m, value), "wrong type or value")
			}
		}
	}
	for _, v := range []string{
		"0", "-1", "-0", "1000000000000", "99999999999999999999", "-9223372036854775808", "9223372036854775808",
		"1.0", "1.5", "1e3", "1E3", "1e-3", "10e400", "0.1", "1000.00", `"1000"`, `"10.00"`,
	} {
		invalid("amount "+v, with("amount", v), "not an integer from 1 to 999999999999")
	}
	for _, v := range []string{"", "EU", "EURO", "XXX", "BTC", "978", "DEM", "E R", " EUR", "EUR ", "€", "ＥＵＲ", "eu\\u0000"} {
		invalid("currency "+v, with("currency", `"`+v+`"`), "no active ISO 4217 code")
	}
	for _, v := range []string{"", "pm", "pm_", "card_1", "src_1", "tok_visa", "PM_1", "pm_a b", "pm_a/b", "pm_é", "pm_a\\u0000", "pm_a&confirm=true", "pm_" + strings.Repeat("a", 253)} {
		invalid(fmt.Sprintf("payment_method %.20s", v), with("payment_method", `"`+v+`"`), "no Stripe payment method id")
	}
	for _, v := range []string{"", "cus_", "CUS_1", "acct_1", "cus_a b", "cus_a?b", "jo@example.org"} {
		invalid("customer "+v, with("customer", `"`+v+`"`), "no Stripe customer id")
	}
	for name, v := range map[string]string{
		"empty": "", "129 characters": strings.Repeat("r", 129), "line break": `a\nb`, "tab": `a\tb`, "NUL": `a\u0000`,
		"leading space": " a", "trailing space": "a ", "spaces": "  ", "zero width": `a\u200bb`, "no-break space": `a\u00a0b`,
		"direction override": `a\u202eb`, "byte order mark": `\ufeffa`,
	} {
		invalid("reference "+name, with("reference", `"`+v+`"`), "no reference")
	}
	for name, v := range map[string]string{"empty": "", "1001 characters": strings.Repeat("d", 1001), "line break": `a\nb`, "escape": `\u001b[31m`, "delete": `\u007f`, "C1": `\u0085`} {
		invalid("description "+name, with("description", `"`+v+`"`), "no description")
	}
	many := make([]string, 41)
	for i := range many {
		many[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	for name, v := range map[string]string{
		"41 entries": "{" + strings.Join(many, ",") + "}", "number value": `{"a":1}`, "null value": `{"a":null}`, "object value": `{"a":{}}`,
		"empty name": `{"":"v"}`, "long name": `{"` + strings.Repeat("n", 41) + `":"v"}`, "bracket in a name": `{"a[b]":"v"}`,
		"closing bracket in a name": `{"a]":"v"}`, "control in a name": `{"a\u0001":"v"}`, "empty value": `{"a":""}`,
		"long value": `{"a":"` + strings.Repeat("v", 501) + `"}`, "control in a value": `{"a":"\u0007"}`, "line break in a value": `{"a":"b\nc"}`,
		"reserved name": `{"payonce_id":"v"}`, "reserved name, upper case": `{"PAYONCE_ID":"v"}`,
	} {
		invalid("metadata "+name, with("metadata", v), "no metadata entry")
	}
	for _, v := range []string{
		"", "/back", "shop.example", "//shop.example", "javascript:alert(1)", "ftp://shop.example", "file:///etc/passwd", "data:,x", "http://",
		"https:///x", "https:shop.example", "https://u:p@shop.example", "https://u@shop.example", "https://shop.example/ä", "https://shop.example/a b",
		"https://[::1", "https://shop.example/%zz", "https://shop.example:port/", "https://" + strings.Repeat("a", 2048) + ".example", `https://shop.example/\n`, "myapp://back",
	} {
		invalid(fmt.Sprintf("return_url %.30s", v), with("return_url", `"`+v+`"`), "no absolute http or https URL")
	}
	for _, v := range []string{"", "none", "ON_SESSION", "off_session "} {
		invalid("setup_future_usage "+v, with("setup_future_usage", `"`+v+`"`), "no such value")
	}
	invalid("setup_future_usage off session", `{"amount":1000,"currency":"EUR","payment_method":"pm_card_visa","off_session":true,"setup_future_usage":"off_session"}`, "contradiction")
	for _, v := range []string{"", "12345", "A<B", "A>B", `A\\B`, "A'B", `A\"B`, "A*B", "Ä", strings.Repeat("A", 23), `A\nB`} {
		invalid(fmt.Sprintf("statement_descriptor_suffix %.10s", v), with("statement_descriptor_suffix", `"`+v+`"`), "not fit for a bank statement")
	}
	for _, v := range []string{"", "Manual", "automatic_async"} {
		invalid("capture_method "+v, with("capture_method", `"`+v+`"`), "no such value")
	}
	for _, m := range []string{
		"Amount", "CURRENCY", "Payment_Method", "paymentMethod", "ammount", "amount ", "confirm", "client_secret", "id", "state", "tenant", //nolint:misspell // that is the point
		"idempotency_key", "__proto__", "constructor", "", "card", "source", "expand", "application_fee_amount", "transfer_data", "$schema",
	} {
		invalid("member "+m, with(m, "1"), "unknown member")
	}
	add(CodeCaptureMethodUnsupported, "capture_method manual", with("capture_method", `"manual"`), "manual capture is not on offer")

	for _, m := range []string{"number", "cvc", "CVV", "exp_month", "exp_year", "expMonth", "card_number", "cardNumber", "card[number]", "track", "track2", "pan", "card.cvc", "security_code"} {
		add(CodeCardDataMember, "member "+m, with(m, `"1"`), "named like card data")
		add(CodeCardDataMember, "nested member "+m, with("card", fmt.Sprintf(`{"x":[0,{%q:null}]}`, m)), "named like card data")
		add(CodeCardDataMember, "metadata "+m, with("metadata", fmt.Sprintf(`{%q:"1"}`, m)), "named like card data")
	}
	for network, number := range testCards {
		add(CodeCardNumber, "reference, "+network, with("reference", `"`+number+`"`), "card number")
		add(CodeCardNumber, "description, "+network, with("description", `"paid with `+spaced(number, " ")+` 12/27"`), "card number")
		add(CodeCardNumber, "metadata value, "+network, with("metadata", `{"a":"`+spaced(number, "-")+`"}`), "card number")
		add(CodeCardNumber, "metadata name, "+network, with("metadata", `{"`+number+`":"a"}`), "card number")
		add(CodeCardNumber, "JSON number, "+network, with("x", number), "card number")
		add(CodeCardNumber, "escaped, "+network, with("reference", fmt.Sprintf(`"\u%04x%s"`, number[0], number[1:])), "card number")
	}
	return out
}

func TestMalformedBodies(t *testing.T) {
	bodies := malformedBodies()
	if len(bodies) < 200 {
		t.Fatalf("only %d", len(bodies))
	}
	names := map[string]bool{}
	for _, c := range bodies {
		if names[c.name+c.code] {
			t.Errorf("%s is there twice", c.name)
		}
		names[c.name+c.code] = true
		t.Run(c.name, func(t *testing.T) {
			_, err := DecodePayment([]byte(c.body))
			var bad *InvalidError
			if !errors.As(err, &bad) {
				t.Fatalf("accepted: %v", err)
			}
			if bad.Code != c.code {
				t.Errorf("code %s, want %s (%v)", bad.Code, c.code, err)
			}
			checkRefusal(t, bad)
		})
	}
}

// checkRefusal holds for every InvalidError.
func checkRefusal(t *testing.T, bad *InvalidError) {
	t.Helper()
	if len(bad.Fields) == 0 || len(bad.Fields) > maxFieldErrors {
		t.Errorf("%d fields", len(bad.Fields))
	}
	for _, f := range bad.Fields {
		if f.Code == "" || f.Message == "" || (f.Pointer != "" && f.Pointer[0] != '/') || len(f.Pointer) > maxPointer {
			t.Errorf("incomplete: %+v", f)
		}
	}
	if CardNumberInText([]byte(bad.Error())) {
		t.Error("the error repeats a card number")
	}
}

// TestMalformedFiles keeps the corpus that goes through the whole service in
// step with the tables above.
func TestMalformedFiles(t *testing.T) {
	type entry struct {
		Name string   `json:"name"`
		Body *string  `json:"body_base64,omitempty"`
		Keys []string `json:"keys_base64,omitempty"`
		Code string   `json:"code"`
		Why  string   `json:"why"`
	}
	var bodies, keys []entry
	for _, c := range malformedBodies() {
		body := base64.StdEncoding.EncodeToString([]byte(c.body))
		bodies = append(bodies, entry{Name: c.name, Body: &body, Code: c.code, Why: c.why})
	}
	for _, c := range malformedKeys() {
		e := entry{Name: c.name, Code: c.why, Why: "no idempotency key"}
		for _, v := range c.values {
			e.Keys = append(e.Keys, base64.StdEncoding.EncodeToString([]byte(v)))
		}
		keys = append(keys, e)
	}
	for name, entries := range map[string][]entry{"malformed.json": bodies, "malformed_keys.json": keys} {
		sortByName(entries, func(e entry) string { return e.Name + "\x00" + e.Code })
		text, err := json.MarshalIndent(entries, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, append(text, '\n'))
	}
}

// golden compares got with a file under testdata, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs; if that is meant, run the test with -update. Got:\n%.2000s", file, got)
	}
}
