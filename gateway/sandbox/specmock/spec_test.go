package specmock

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/payonce/payonce/gateway/sandbox"
	"github.com/stripe/stripe-mock/embedded"
	"github.com/stripe/stripe-mock/server"
	"github.com/stripe/stripe-mock/spec"
)

// differences are the places where an answer of API version 2023-10-16 and the description, which is of a version years
// later, are known not to agree. Each entry must occur in this test, so none outlives its reason.
var differences = map[string]string{
	"payment_intent.invoice": "in 2023-10-16; taken from PaymentIntent by version 2025-03-31.basil (https://docs.stripe.com/changelog/basil/2025-03-31/add-support-for-multiple-partial-payments-on-invoices)",
	"payment_intent.source":  "in 2023-10-16, where Sources still were accepted; later descriptions leave it out",
	"charge.invoice":         "as payment_intent.invoice",
	"charge.source":          "in 2023-10-16, null for PaymentMethods; later descriptions leave it out",
}

const gatewayMetadata = "metadata[payonce_installation]=i&metadata[payonce_tenant]=t&metadata[payonce_id]=pay_0&metadata[payonce_reference]=00"

// exchanges are the requests that a gateway makes, in the order in which payments make them. {id} stands for the PaymentIntent that the last create made.
var exchanges = []struct {
	name, method, path, params string
	status                     int
	schema                     string
}{
	{"create unconfirmed", "POST", "/v1/payment_intents", "amount=1000&currency=eur&payment_method_types[]=card&" + gatewayMetadata, 200, "payment_intent"},
	{"retrieve", "GET", "/v1/payment_intents/{id}", "expand[]=latest_charge", 200, "payment_intent"},
	{"declined", "POST", "/v1/payment_intents/{id}/confirm", "payment_method=pm_card_visa_chargeDeclined&expand[]=latest_charge", 402, "error"},
	{"retrieve declined", "GET", "/v1/payment_intents/{id}", "expand[]=latest_charge", 200, "payment_intent"},
	{"confirm", "POST", "/v1/payment_intents/{id}/confirm", "payment_method=pm_card_visa&expand[]=latest_charge", 200, "payment_intent"},
	{"cancel too late", "POST", "/v1/payment_intents/{id}/cancel", "", 400, "error"},
	{
		"create with everything", "POST", "/v1/payment_intents", "amount=1000&currency=usd&payment_method_types[0]=card&payment_method=pm_card_visa&" +
			"customer=cus_1&description=x&receipt_email=a@example.com&setup_future_usage=off_session&statement_descriptor_suffix=ORDER&" +
			"statement_descriptor=SHOP&capture_method=automatic&confirmation_method=automatic&use_stripe_sdk=true&expand[]=payment_method&" + gatewayMetadata,
		200, "payment_intent",
	},
	{"cancel", "POST", "/v1/payment_intents/{id}/cancel", "cancellation_reason=abandoned&expand[]=latest_charge", 200, "payment_intent"},
	{
		"one step", "POST", "/v1/payment_intents", "amount=1000&currency=eur&payment_method_types[]=card&confirm=true&payment_method=pm_card_amex&" +
			"off_session=true&expand[]=latest_charge&" + gatewayMetadata, 200, "payment_intent",
	},
	{
		"automatic methods", "POST", "/v1/payment_intents", "amount=1000&currency=eur&automatic_payment_methods[enabled]=true&" +
			"automatic_payment_methods[allow_redirects]=never", 200, "payment_intent",
	},
	{"action", "POST", "/v1/payment_intents/{id}/confirm", "payment_method=pm_card_authenticationRequired&return_url=https://example.com/r", 200, "payment_intent"},
	{"action in the SDK", "POST", "/v1/payment_intents/{id}/confirm", "payment_method=pm_card_authenticationRequired&use_stripe_sdk=true", 200, "payment_intent"},
	{
		"action refused", "POST", "/v1/payment_intents/{id}/confirm", "payment_method=pm_card_authenticationRequired&off_session=true&error_on_requires_action=true&" +
			"payment_method_types[]=card&receipt_email=a@example.com&setup_future_usage=on_session", 402, "error",
	},
	{
		"bank debit", "POST", "/v1/payment_intents", "amount=1000&currency=usd&payment_method_types[]=us_bank_account&confirm=true&" +
			"payment_method=pm_usBankAccount_processing&expand[]=payment_method", 200, "payment_intent",
	},
	{"list", "GET", "/v1/payment_intents", "limit=100&created[gte]=1&created[lte]=4000000000&expand[]=data.latest_charge", 200, "list"},
	{"list of a customer", "GET", "/v1/payment_intents", "customer=cus_1&limit=1", 200, "list"},
	{"next page", "GET", "/v1/payment_intents", "starting_after={id}", 200, "list"},
	{"search", "GET", "/v1/payment_intents/search", "query=metadata['payonce_id']:'pay_0'&expand[]=data.latest_charge", 200, "search"},
	{"unknown parameter", "POST", "/v1/payment_intents", "amount=1000&currency=eur&colour=red", 400, "error"},
	{"missing parameter", "POST", "/v1/payment_intents", "amount=1000", 400, "error"},
	{"balance", "GET", "/v1/balance", "", 200, "balance"},
	{"account", "GET", "/v1/account", "", 200, "account"},
}

func TestRequestsAndAnswersFitStripesDescription(t *testing.T) {
	description, err := server.LoadSpec(embedded.OpenAPISpec, "")
	if err != nil {
		t.Fatal(err)
	}
	fixtures, err := server.LoadFixtures(embedded.OpenAPIFixtures, "")
	if err != nil {
		t.Fatal(err)
	}
	stub, err := server.NewStubServer(fixtures, description, false, false)
	if err != nil {
		t.Fatal(err)
	}
	mock := http.HandlerFunc(stub.HandleRequest)
	box, err := sandbox.Open(sandbox.Config{SearchLag: -1 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	}()

	w := &walker{schemas: description.Components.Schemas, findings: map[string]string{}}
	id := ""
	for _, x := range exchanges {
		t.Run(x.name, func(t *testing.T) {
			path, params := strings.ReplaceAll(x.path, "{id}", id), encode(strings.ReplaceAll(x.params, "{id}", id))
			status, body := send(t, box.Handler(), x.method, path, params)
			if status != x.status {
				t.Fatalf("the sandbox answers %d, want %d\n%v", status, x.status, body)
			}
			// stripe-mock keeps no state: it refuses a form that the description does not allow, and nothing else.
			wellFormed := status != 400 || x.name == "cancel too late"
			if mocked, why := send(t, mock, x.method, path, params); (mocked == 200) != wellFormed {
				t.Fatalf("stripe-mock answers %d\n%v", mocked, why)
			}
			check(w, x.schema, body)
			if made, ok := body["id"].(string); ok && x.path == "/v1/payment_intents" {
				id = made
			}
		})
	}
	for _, path := range slices.Sorted(maps.Keys(w.findings)) {
		if _, known := differences[path]; !known {
			t.Errorf("%s: %s", path, w.findings[path])
		}
	}
	for path := range differences {
		if _, seen := w.findings[path]; !seen {
			t.Errorf("%s: listed as a difference and does not occur", path)
		}
	}
}

// check walks an answer. Objects inside are walked from their own name on, so that one difference is one entry.
func check(w *walker, schema string, body map[string]any) {
	switch schema {
	case "error":
		refusal := body["error"].(map[string]any)
		intent(w, refusal["payment_intent"])
		delete(refusal, "payment_intent")
		w.walk("error", w.schemas["api_errors"], refusal)
	case "list", "search":
		for _, x := range body["data"].([]any) {
			intent(w, x)
		}
		body["data"] = []any{}
		list := &spec.Schema{Type: "object", Required: []string{"object", "url", "has_more", "data"}, Properties: map[string]*spec.Schema{
			"object": {Type: "string", Enum: []any{"list", "search_result"}}, "url": {Type: "string"}, "has_more": {Type: "boolean"},
			"data": {Type: "array"}, "next_page": {Type: "string", Nullable: true},
		}}
		w.walk(schema, list, body)
	case "payment_intent":
		intent(w, body)
	default:
		w.walk(schema, w.schemas[schema], body)
	}
}

func intent(w *walker, v any) {
	pi, ok := v.(map[string]any)
	if !ok {
		return
	}
	if c, ok := pi["latest_charge"].(map[string]any); ok {
		w.walk("charge", w.schemas["charge"], c)
		pi["latest_charge"] = c["id"]
	}
	w.walk("payment_intent", w.schemas["payment_intent"], pi)
}

func encode(params string) string {
	if params == "" {
		return ""
	}
	var out []string
	for _, p := range strings.Split(params, "&") {
		name, value, _ := strings.Cut(p, "=")
		out = append(out, url.QueryEscape(name)+"="+url.QueryEscape(value))
	}
	return strings.Join(out, "&")
}

func send(t *testing.T, h http.Handler, method, path, params string) (int, map[string]any) {
	t.Helper()
	target, body := path, params
	if method == "GET" {
		target, body = path+"?"+params, ""
	}
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer sk_test_shop")
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	raw, err := io.ReadAll(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return rec.Code, out
}
