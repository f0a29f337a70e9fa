package sandbox

import (
	"net/http"
	"strconv"
	"strings"
)

// method is a test payment method: which card it looks like and what a confirmation with it does. Facts of the plain
// names: https://docs.stripe.com/testing. Those that begin with pm_sandbox_ are ours.
type method struct {
	ID    string
	Type  string // card or us_bank_account
	Brand string
	Last4 string
	// what a confirmation does; the zero value pays at once
	decline    *decline // refused with this
	declines   int      // refused that many times, then paid; 0: always, if decline is set
	needsAuth  bool     // 3-D Secure on session; authentication_required off session
	afterAuth  *decline // refused after the customer has authenticated
	processing bool     // neither paid nor refused yet
	settles    bool     // leaves processing by itself, after the configured time
	settleFail *decline // how it ends, if it fails
}

// decline is a refusal by the card's issuer (https://docs.stripe.com/declines/codes).
type decline struct {
	code, declineCode, message, param string
	blocked                           bool // by Radar, before it reached the network
}

var declines = map[string]*decline{
	"generic_decline":         {code: "card_declined", declineCode: "generic_decline", message: "Your card was declined."},
	"do_not_honor":            {code: "card_declined", declineCode: "do_not_honor", message: "Your card was declined."},
	"insufficient_funds":      {code: "card_declined", declineCode: "insufficient_funds", message: "Your card has insufficient funds."},
	"lost_card":               {code: "card_declined", declineCode: "lost_card", message: "Your card was declined."},
	"stolen_card":             {code: "card_declined", declineCode: "stolen_card", message: "Your card was declined."},
	"fraudulent":              {code: "card_declined", declineCode: "fraudulent", message: "Your card was declined.", blocked: true},
	"card_velocity_exceeded":  {code: "card_declined", declineCode: "card_velocity_exceeded", message: "Your card was declined for making repeated attempts too frequently or exceeding its amount limit."},
	"issuer_not_available":    {code: "card_declined", declineCode: "issuer_not_available", message: "Your card was declined."},
	"try_again_later":         {code: "card_declined", declineCode: "try_again_later", message: "Your card was declined."},
	"reenter_transaction":     {code: "card_declined", declineCode: "reenter_transaction", message: "Your card was declined."},
	"approve_with_id":         {code: "card_declined", declineCode: "approve_with_id", message: "Your card was declined."},
	"expired_card":            {code: "expired_card", declineCode: "expired_card", message: "Your card has expired.", param: "exp_month"},
	"incorrect_cvc":           {code: "incorrect_cvc", declineCode: "incorrect_cvc", message: "Your card's security code is incorrect.", param: "cvc"},
	"incorrect_number":        {code: "incorrect_number", declineCode: "incorrect_number", message: "Your card number is incorrect.", param: "number"},
	"processing_error":        {code: "processing_error", declineCode: "processing_error", message: "An error occurred while processing your card. Try again in a little bit."},
	"authentication_required": {code: "authentication_required", declineCode: "authentication_required", message: "Your card was declined. This transaction requires authentication."},
}

// bankFailure is how an unpaid bank debit reads.
var bankFailure = &decline{code: "payment_method_provider_decline", declineCode: "insufficient_funds", message: "The customer's account has insufficient funds to cover this payment."}

var methods = buildMethods()

func buildMethods() map[string]*method {
	m := make(map[string]*method, 64)
	add := func(x method) { m[x.ID] = &x }
	for _, c := range [...][3]string{
		{"visa", "visa", "4242"},
		{"visa_debit", "visa", "5556"},
		{"us", "visa", "4242"},
		{"gb", "visa", "0826"},
		{"mastercard", "mastercard", "4444"},
		{"mastercard_debit", "mastercard", "8210"},
		{"mastercard_prepaid", "mastercard", "5100"},
		{"amex", "amex", "8431"},
		{"discover", "discover", "9424"},
		{"diners", "diners", "0004"},
		{"jcb", "jcb", "0505"},
		{"unionpay", "unionpay", "0005"},
		{"threeDSecureOptional", "visa", "3055"},
		{"authenticationRequiredOnSetup", "visa", "3155"},
	} {
		add(method{ID: "pm_card_" + c[0], Type: "card", Brand: c[1], Last4: c[2]})
	}
	for _, c := range [...][3]string{ // name, last4, what declines says
		{"chargeDeclined", "0002", "generic_decline"},
		{"chargeDeclinedInsufficientFunds", "9995", "insufficient_funds"},
		{"chargeDeclinedLostCard", "9987", "lost_card"},
		{"chargeDeclinedStolenCard", "9979", "stolen_card"},
		{"chargeDeclinedExpiredCard", "0069", "expired_card"},
		{"chargeDeclinedIncorrectCvc", "0127", "incorrect_cvc"},
		{"chargeDeclinedProcessingError", "0119", "processing_error"},
		{"chargeDeclinedFraudulent", "0019", "fraudulent"},
		{"chargeDeclinedVelocityLimitExceeded", "6975", "card_velocity_exceeded"},
		{"chargeCustomerFail", "0341", "generic_decline"},
		{"radarBlock", "0019", "fraudulent"},
		{"riskLevelHighest", "4954", "fraudulent"},
	} {
		// Stripe prefixes some of these names with the brand and some not; both are taken.
		for _, prefix := range [...]string{"pm_card_", "pm_card_visa_"} {
			add(method{ID: prefix + c[0], Type: "card", Brand: "visa", Last4: c[1], decline: declines[c[2]]})
		}
	}
	for id, last4 := range map[string]string{
		"pm_card_authenticationRequired": "3184", "pm_card_threeDSecure2Required": "3220", "pm_card_threeDSecureRequired": "3063",
	} {
		add(method{ID: id, Type: "card", Brand: "visa", Last4: last4, needsAuth: true})
	}
	add(method{
		ID: "pm_card_threeDSecureRequiredChargeDeclined", Type: "card", Brand: "visa", Last4: "1629", needsAuth: true,
		afterAuth: declines["generic_decline"],
	})
	add(method{ID: "pm_usBankAccount_success", Type: "us_bank_account", Brand: "STRIPE TEST BANK", Last4: "6789", processing: true, settles: true})
	add(method{ID: "pm_usBankAccount_processing", Type: "us_bank_account", Brand: "STRIPE TEST BANK", Last4: "0009", processing: true})
	add(method{
		ID: "pm_usBankAccount_insufficientFunds", Type: "us_bank_account", Brand: "STRIPE TEST BANK", Last4: "2227", processing: true,
		settles: true, settleFail: bankFailure,
	})
	add(method{ID: "pm_sandbox_processing", Type: "card", Brand: "visa", Last4: "4242", processing: true})
	add(method{ID: "pm_sandbox_processing_succeeds", Type: "card", Brand: "visa", Last4: "4242", processing: true, settles: true})
	add(method{
		ID: "pm_sandbox_processing_fails", Type: "card", Brand: "visa", Last4: "4242", processing: true, settles: true,
		settleFail: declines["generic_decline"],
	})
	return m
}

const declinesPrefix = "pm_sandbox_declines_"

// findMethod gives the method of that name, or nil. pm_sandbox_declines_N_CODE (1 <= N <= 99, CODE a key of declines)
// is refused N times on each PaymentIntent and then paid.
func findMethod(id string) *method {
	if m, ok := methods[id]; ok {
		return m
	}
	rest, ok := strings.CutPrefix(id, declinesPrefix)
	if !ok {
		return nil
	}
	count, code, _ := strings.Cut(rest, "_")
	n, err := strconv.Atoi(count)
	d := declines[code]
	if err != nil || n < 1 || n > 99 || d == nil {
		return nil
	}
	return &method{ID: id, Type: "card", Brand: "visa", Last4: "4242", decline: d, declines: n}
}

// describe is findMethod for a name that an older journal may hold: an unknown one looks like a Visa card.
func describe(id string) *method {
	if m := findMethod(id); m != nil {
		return m
	}
	return methods["pm_card_visa"]
}

// cardError is the 402 that a refusal gives.
func (d *decline) cardError(methodID, chargeID string) *apiError {
	return &apiError{
		Status: http.StatusPaymentRequired, Type: typeCard, Code: d.code, DeclineCode: d.declineCode, Message: d.message,
		Param: d.param, Charge: chargeID, Method: methodID, WithIntent: true, Stored: true,
	}
}
