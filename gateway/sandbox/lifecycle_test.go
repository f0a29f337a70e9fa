package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"
)

func TestConfirmByMethod(t *testing.T) {
	for _, c := range []struct {
		method, extra             string
		status                    int
		code, declineCode, intent string
	}{
		{method: "pm_card_visa", status: 200, intent: "succeeded"},
		{method: "pm_card_mastercard", status: 200, intent: "succeeded"},
		{method: "pm_card_amex", status: 200, intent: "succeeded"},
		{method: "pm_card_threeDSecureOptional", status: 200, intent: "succeeded"},
		{method: "pm_card_chargeDeclined", status: 402, code: "card_declined", declineCode: "generic_decline", intent: "requires_payment_method"},
		{method: "pm_card_visa_chargeDeclined", status: 402, code: "card_declined", declineCode: "generic_decline", intent: "requires_payment_method"},
		{method: "pm_card_visa_chargeDeclinedInsufficientFunds", status: 402, code: "card_declined", declineCode: "insufficient_funds", intent: "requires_payment_method"},
		{method: "pm_card_chargeDeclinedInsufficientFunds", status: 402, code: "card_declined", declineCode: "insufficient_funds", intent: "requires_payment_method"},
		{method: "pm_card_visa_chargeDeclinedLostCard", status: 402, code: "card_declined", declineCode: "lost_card", intent: "requires_payment_method"},
		{method: "pm_card_visa_chargeDeclinedStolenCard", status: 402, code: "card_declined", declineCode: "stolen_card", intent: "requires_payment_method"},
		{method: "pm_card_chargeDeclinedExpiredCard", status: 402, code: "expired_card", declineCode: "expired_card", intent: "requires_payment_method"},
		{method: "pm_card_chargeDeclinedIncorrectCvc", status: 402, code: "incorrect_cvc", declineCode: "incorrect_cvc", intent: "requires_payment_method"},
		{method: "pm_card_chargeDeclinedProcessingError", status: 402, code: "processing_error", declineCode: "processing_error", intent: "requires_payment_method"},
		{method: "pm_card_visa_chargeDeclinedVelocityLimitExceeded", status: 402, code: "card_declined", declineCode: "card_velocity_exceeded", intent: "requires_payment_method"},
		{method: "pm_card_radarBlock", status: 402, code: "card_declined", declineCode: "fraudulent", intent: "requires_payment_method"},
		{method: "pm_card_authenticationRequired", status: 200, intent: "requires_action"},
		{method: "pm_card_authenticationRequired", extra: "&off_session=true", status: 402, code: "authentication_required", declineCode: "authentication_required", intent: "requires_payment_method"},
		{method: "pm_card_authenticationRequired", extra: "&error_on_requires_action=true", status: 402, code: "authentication_required", declineCode: "authentication_required", intent: "requires_payment_method"},
		{method: "pm_sandbox_processing", status: 200, intent: "processing"},
		{method: "pm_sandbox_declines_1_processing_error", status: 402, code: "processing_error", declineCode: "processing_error", intent: "requires_payment_method"},
		{method: "pm_usBankAccount_success", status: 400, intent: "requires_payment_method"},
		{method: "pm_unknown", status: 400, code: "resource_missing", intent: "requires_payment_method"},
		{method: "pm_sandbox_declines_0_processing_error", status: 400, code: "resource_missing", intent: "requires_payment_method"},
		{method: "pm_sandbox_declines_2_nonsense", status: 400, code: "resource_missing", intent: "requires_payment_method"},
	} {
		t.Run(c.method+c.extra, func(t *testing.T) {
			b := newBench(t, Options{})
			id := b.intent(ours)
			r := post(create+"/"+id+"/confirm", "payment_method="+c.method+c.extra, "k")
			got := b.want(c.status, r)
			if got.text("error.code") != c.code || got.text("error.decline_code") != c.declineCode {
				t.Errorf("error %v", got["error"])
			}
			if c.status == 402 {
				if got.text("error.type") != "card_error" || got.text("error.payment_intent.id") != id ||
					got.text("error.payment_method.id") != c.method || got.text("error.charge") == "" {
					t.Errorf("card error lacks its parts: %v", got["error"])
				}
				pi := b.want(200, get(create+"/"+id, "expand[]=latest_charge"))
				if pi.text("last_payment_error.decline_code") != c.declineCode || pi["payment_method"] != nil ||
					pi.text("latest_charge.status") != "failed" {
					t.Errorf("declined intent: %v", pi)
				}
			}
			if got := b.status(id); got != c.intent {
				t.Errorf("status %s, want %s", got, c.intent)
			}
			paid := 0
			if c.intent == "succeeded" {
				paid = 1
			}
			b.charges(paid)
		})
	}
}

func TestCreateAndConfirmInOneCall(t *testing.T) {
	b := newBench(t, Options{})
	paid := b.want(200, post(create, ours+"&confirm=true&payment_method=pm_card_visa&expand[]=latest_charge", "k1"))
	if paid.text("status") != "succeeded" || paid.text("latest_charge.payment_method_details.card.last4") != "4242" {
		t.Errorf("%v", paid)
	}
	no := b.want(402, post(create, cardOnly+"&confirm=true&payment_method=pm_card_chargeDeclined", "k2"))
	id := no.text("error.payment_intent.id")
	if got := b.status(id); got != "requires_payment_method" {
		t.Errorf("the declined intent is %s", got)
	}
	// It can be tried again with another card, and only then with none left to try.
	b.want(200, confirmOf(id, "pm_card_visa", "k3"))
	again := b.want(400, confirmOf(id, "pm_card_visa", "k4"))
	if again.text("error.code") != "payment_intent_unexpected_state" || again.text("error.payment_intent.status") != "succeeded" {
		t.Errorf("%v", again)
	}
	b.charges(2)
}

func TestStatesOnTheWay(t *testing.T) {
	b := newBench(t, Options{})
	if got := b.status(b.intent(cardOnly)); got != "requires_payment_method" {
		t.Error(got)
	}
	id := b.intent(cardOnly + "&payment_method=pm_card_visa")
	if got := b.status(id); got != "requires_confirmation" {
		t.Error(got)
	}
	b.want(200, post(create+"/"+id+"/confirm", "", ""))
	if got := b.status(id); got != "succeeded" {
		t.Error(got)
	}
	bare := b.want(400, post(create+"/"+b.intent(cardOnly)+"/confirm", "", ""))
	if bare.text("error.code") != "payment_intent_unexpected_state" {
		t.Errorf("%v", bare)
	}
}

func TestDeclinesThenPays(t *testing.T) {
	b := newBench(t, Options{})
	id := b.intent(ours)
	for _, want := range []int{402, 402, 200} {
		b.want(want, confirmOf(id, "pm_sandbox_declines_2_processing_error", ""))
	}
	b.charges(1)
}

func TestCancel(t *testing.T) {
	for _, c := range []struct {
		method string
		status int
	}{
		{"", 200}, {"pm_card_visa", 400}, {"pm_card_chargeDeclined", 200}, {"pm_card_authenticationRequired", 200}, {"pm_sandbox_processing", 400},
	} {
		b := newBench(t, Options{})
		id := b.intent(cardOnly)
		if c.method != "" {
			b.do(confirmOf(id, c.method, ""), Fault{})
		}
		before := b.status(id)
		got := b.want(c.status, post(create+"/"+id+"/cancel", "cancellation_reason=abandoned", ""))
		if c.status == 400 {
			if got.text("error.code") != "payment_intent_unexpected_state" || got.text("error.payment_intent.status") != before {
				t.Errorf("%s: %v", c.method, got)
			}
			continue
		}
		if got.text("status") != "canceled" || got.text("cancellation_reason") != "abandoned" || got["canceled_at"] == nil {
			t.Errorf("%s: %v", c.method, got)
		}
		// Nothing charges a canceled intent, and a second cancel is refused.
		b.want(400, confirmOf(id, "pm_card_visa", ""))
		b.want(400, post(create+"/"+id+"/cancel", "", ""))
		b.charges(0)
	}
}

func TestCompleteAction(t *testing.T) {
	for _, c := range []struct {
		method string
		passed bool
		status string
		code   string
		paid   int
	}{
		{"pm_card_authenticationRequired", true, "succeeded", "", 1},
		{"pm_card_authenticationRequired", false, "requires_payment_method", "payment_intent_authentication_failure", 0},
		{"pm_card_threeDSecureRequiredChargeDeclined", true, "requires_payment_method", "card_declined", 0},
	} {
		b := newBench(t, Options{})
		id := b.intent(ours)
		pi := b.want(200, post(create+"/"+id+"/confirm", "payment_method="+c.method+"&return_url=https://example.com/back", ""))
		if pi.text("next_action.type") != "redirect_to_url" || pi.text("next_action.redirect_to_url.return_url") != "https://example.com/back" {
			t.Errorf("next_action %v", pi["next_action"])
		}
		if err := b.core.CompleteAction(id, c.passed, b.now); err != nil {
			t.Fatal(err)
		}
		pi = b.want(200, get(create+"/"+id, ""))
		if pi.text("status") != c.status || pi.text("last_payment_error.code") != c.code {
			t.Errorf("%s passed=%v: %v %v", c.method, c.passed, pi["status"], pi["last_payment_error"])
		}
		b.charges(c.paid)
		if err := b.core.CompleteAction(id, true, b.now); !errors.Is(err, ErrState) {
			t.Errorf("second time: %v", err)
		}
	}
	if err := newBench(t, Options{}).core.CompleteAction("pi_no", true, time.Now()); !errors.Is(err, ErrNoIntent) {
		t.Error(err)
	}
}

func TestProcessingSettles(t *testing.T) {
	for _, c := range []struct {
		method string
		types  string
		status string
		paid   int
	}{
		{"pm_sandbox_processing", "card", "processing", 0},
		{"pm_sandbox_processing_succeeds", "card", "succeeded", 1},
		{"pm_sandbox_processing_fails", "card", "requires_payment_method", 0},
		{"pm_usBankAccount_success", "us_bank_account", "succeeded", 1},
		{"pm_usBankAccount_insufficientFunds", "us_bank_account", "requires_payment_method", 0},
	} {
		b := newBench(t, Options{SettleAfter: time.Hour})
		id := b.intent("amount=1000&currency=usd&payment_method_types[]=" + c.types)
		b.want(200, confirmOf(id, c.method, ""))
		b.now = b.now.Add(time.Hour - time.Millisecond)
		if got := b.status(id); got != "processing" {
			t.Errorf("%s settled early: %s", c.method, got)
		}
		b.now = b.now.Add(time.Millisecond)
		if got := b.status(id); got != c.status {
			t.Errorf("%s: %s, want %s", c.method, got, c.status)
		}
		b.charges(c.paid)
	}
	b := newBench(t, Options{})
	id := b.intent(ours)
	b.want(200, confirmOf(id, "pm_sandbox_processing", ""))
	if err := b.core.Settle(id, true, b.now); err != nil {
		t.Fatal(err)
	}
	if err := b.core.Settle(id, true, b.now); !errors.Is(err, ErrState) {
		t.Error(err)
	}
	b.charges(1)
}

func TestAutomaticMethodsNeedReturnURL(t *testing.T) {
	for _, c := range []struct {
		create, confirm string
		status          int
	}{
		{"amount=1000&currency=eur", "payment_method=pm_card_visa", 400},
		{"amount=1000&currency=eur", "payment_method=pm_card_visa&return_url=https://example.com/", 200},
		{"amount=1000&currency=eur&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never", "payment_method=pm_card_visa", 200},
		{"amount=1000&currency=eur&automatic_payment_methods[enabled]=false", "payment_method=pm_card_visa", 200},
		{cardOnly, "payment_method=pm_card_visa", 200},
		{"amount=1000&currency=eur", "payment_method=pm_card_visa&payment_method_types[]=card", 200},
	} {
		b := newBench(t, Options{})
		id := b.intent(c.create)
		got := b.want(c.status, post(create+"/"+id+"/confirm", c.confirm, ""))
		if c.status == 400 && (got.text("error.payment_intent.id") != id || got.text("error.param") != "return_url") {
			t.Errorf("%v", got)
		}
	}
	newBench(t, Options{}).want(400, post(create, "amount=1000&currency=eur&confirm=true&payment_method=pm_card_visa", ""))
}

func TestShapes(t *testing.T) {
	b := newBench(t, Options{Seed: 7})
	var out bytes.Buffer
	show := func(title string, r Request) {
		resp := b.do(r, Fault{})
		out.WriteString("== " + title + "\n")
		if err := json.Indent(&out, resp.Body, "", "  "); err != nil {
			t.Fatal(err)
		}
	}
	full := ours + "&payment_method=pm_card_visa&customer=cus_1&description=A \"quoted\" ☃ order&statement_descriptor_suffix=ORDER7" +
		"&receipt_email=a@example.com&setup_future_usage=off_session&expand[]=payment_method"
	show("create", post(create, full, "k1"))
	id := b.intent(ours)
	show("confirm", post(create+"/"+id+"/confirm", "payment_method=pm_card_mastercard&expand[0]=latest_charge", "k2"))
	show("decline", post(create, cardOnly+"&confirm=true&payment_method=pm_card_visa_chargeDeclinedInsufficientFunds&expand[]=latest_charge", "k3"))
	show("action", post(create, "amount=500&currency=jpy&automatic_payment_methods[enabled]=true&confirm=true&payment_method=pm_card_authenticationRequired&return_url=https://example.com/r", "k4"))
	show("list", get(create, "limit=1&expand[]=data.latest_charge"))
	show("missing", get(create+"/pi_none", ""))
	show("balance", get("/v1/balance", ""))
	show("account", get("/v1/account", ""))
	golden(t, "shapes.txt", out.Bytes())
}
