package gateway

import (
	"slices"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// RetryableDeclines are the decline codes for which Stripe says that the payment may simply be attempted again. All
// others need the payer, the issuer or another card; the list that decides is idempotency's.
// Source: https://docs.stripe.com/declines/codes
var RetryableDeclines = slices.Clone(idempotency.RetryableDeclines)

// What the app should do about a refusal.
const (
	stepAgain        = "No action is needed: payonce tries again by itself while attempts are left. If it stays refused, ask for another payment method."
	stepOther        = "Ask the payer for another payment method, then submit a new payment with a new idempotency key."
	stepIssuer       = "Ask the payer to contact the card's issuer or to use another payment method, then submit a new payment with a new idempotency key."
	stepCorrect      = "Ask the payer to enter the card again, then submit a new payment with the new payment method and a new idempotency key."
	stepAuthenticate = "Submit a new payment with a new idempotency key while the payer is present, with a return_url and without off_session."
	stepDuplicate    = "Look for an earlier payment of the same amount before submitting another one."
	stepNeverAgain   = "Do not charge this card again: the payer or the issuer has withdrawn the permission."
	stepGeneric      = "Tell the payer only that the card was declined, and ask for another payment method. Do not pass the reason on."
	stepTestCard     = "Use a test card with a test key and a real card with a live key."
	stepRequest      = "Correct the request and submit it as a new payment with a new idempotency key."
	stepAmount       = "Submit a new payment with an amount that Stripe accepts for this currency and a new idempotency key."
	stepMethod       = "Create the payment method with the same Stripe account, check its id, and submit a new payment with a new idempotency key."
)

// genericMessage is said where the reason must not reach the payer.
const genericMessage = "The card was declined."

// advice is what to say about a code. An empty message keeps Stripe's own sentence.
type advice struct{ message, next string }

// byDecline knows each decline code of https://docs.stripe.com/declines/codes. What that page wants presented as
// a generic decline loses its sentence here; the code stays, for the app's operators.
var byDecline = map[string]advice{
	"approve_with_id":      {"The issuer could not authorize the payment.", stepAgain},
	"issuer_not_available": {"The card's issuer could not be reached.", stepAgain},
	"processing_error":     {"An error occurred while the card was processed.", stepAgain},
	"reenter_transaction":  {"The issuer could not process the payment.", stepAgain},
	"try_again_later":      {"The card was declined for an unknown reason.", stepAgain},

	"fraudulent":               {genericMessage, stepGeneric},
	"highest_risk_level":       {genericMessage, stepGeneric},
	"lost_card":                {genericMessage, stepGeneric},
	"merchant_blacklist":       {genericMessage, stepGeneric},
	"pickup_card":              {genericMessage, stepGeneric},
	"restricted_card":          {genericMessage, stepGeneric},
	"stolen_card":              {genericMessage, stepGeneric},
	"security_violation":       {genericMessage, stepGeneric},
	"previously_declined_card": {genericMessage, stepGeneric},

	"revocation_of_all_authorizations": {"The card was declined.", stepNeverAgain},
	"revocation_of_authorization":      {"The card was declined.", stepNeverAgain},
	"stop_payment_order":               {"The card was declined.", stepNeverAgain},
	"do_not_try_again":                 {"The card was declined.", stepNeverAgain},

	"authentication_required":               {"The card needs the payer to authenticate.", stepAuthenticate},
	"authentication_not_handled":            {"The payer did not authenticate.", stepAuthenticate},
	"mobile_device_authentication_required": {"The card needs the payer to authenticate on a mobile device.", stepAuthenticate},
	"offline_pin_required":                  {"The card needs a PIN.", stepOther},
	"online_or_offline_pin_required":        {"The card needs a PIN.", stepOther},
	"insufficient_funds":                    {"The card has insufficient funds.", stepOther},
	"card_velocity_exceeded":                {"The card has exceeded its balance, credit limit or amount limit.", stepOther},
	"withdrawal_count_limit_exceeded":       {"The card has exceeded its balance or credit limit.", stepOther},
	"expired_card":                          {"The card has expired.", stepOther},
	"card_not_supported":                    {"The card does not support this kind of purchase.", stepOther},
	"currency_not_supported":                {"The card does not support this currency.", stepOther},
	"pin_try_exceeded":                      {"The card's PIN was entered wrongly too often.", stepOther},
	"new_account_information_available":     {"The card, or its account, is no longer valid.", stepIssuer},
	"invalid_account":                       {"The card, or its account, is invalid.", stepIssuer},
	"invalid_amount":                        {"The amount is invalid, or above what the issuer allows.", stepAmount},
	"call_issuer":                           {genericMessage, stepIssuer},
	"do_not_honor":                          {genericMessage, stepIssuer},
	"generic_decline":                       {genericMessage, stepIssuer},
	"no_action_taken":                       {genericMessage, stepIssuer},
	"not_permitted":                         {"The issuer does not permit this payment.", stepIssuer},
	"service_not_allowed":                   {genericMessage, stepIssuer},
	"transaction_not_allowed":               {genericMessage, stepIssuer},
	"incorrect_address":                     {"The billing address is incorrect.", stepCorrect},
	"incorrect_cvc":                         {"The card's security code is incorrect.", stepCorrect},
	"invalid_cvc":                           {"The card's security code is incorrect.", stepCorrect},
	"incorrect_number":                      {"The card number is incorrect.", stepCorrect},
	"invalid_number":                        {"The card number is incorrect.", stepCorrect},
	"incorrect_pin":                         {"The card's PIN is incorrect.", stepCorrect},
	"invalid_pin":                           {"The card's PIN is incorrect.", stepCorrect},
	"incorrect_zip":                         {"The postal code is incorrect.", stepCorrect},
	"invalid_expiry_month":                  {"The card's expiry month is invalid.", stepCorrect},
	"invalid_expiry_year":                   {"The card's expiry year is invalid.", stepCorrect},
	"duplicate_transaction":                 {"A payment with the same amount and card was made very recently.", stepDuplicate},
	"testmode_decline":                      {"A test card was used.", stepTestCard},
	"live_mode_test_card":                   {"A test card was used.", stepTestCard},
	"test_mode_live_card":                   {"A real card was used with a test key.", stepTestCard},
}

// byCode knows error codes that come without a decline code. Source: https://docs.stripe.com/error-codes
var byCode = map[string]advice{
	"amount_too_large":                           {"", stepAmount},
	"amount_too_small":                           {"", stepAmount},
	"authentication_required":                    {"The card needs the payer to authenticate.", stepAuthenticate},
	"payment_intent_authentication_failure":      {"The payer could not be authenticated.", stepAuthenticate},
	"payment_method_customer_decline":            {"The payer declined the payment.", stepOther},
	"payment_method_provider_decline":            {"The payment method's provider declined the payment.", stepOther},
	"payment_method_provider_timeout":            {"The payment method's provider did not answer.", stepOther},
	"payment_method_unactivated":                 {"The payment method is not activated for this Stripe account.", stepMethod},
	"payment_method_unexpected_state":            {"The payment method cannot be used any more.", stepMethod},
	"payment_method_invalid_parameter":           {"", stepMethod},
	"payment_intent_incompatible_payment_method": {"The payment method does not fit this payment.", stepMethod},
	"resource_missing":                           {"", stepMethod},
	"card_decline_rate_limit_exceeded":           {"The card was declined too often.", stepOther},
	"card_declined":                              {genericMessage, stepIssuer},
	"expired_card":                               {"The card has expired.", stepOther},
	"incorrect_cvc":                              {"The card's security code is incorrect.", stepCorrect},
	"incorrect_number":                           {"The card number is incorrect.", stepCorrect},
	"incorrect_zip":                              {"The postal code is incorrect.", stepCorrect},
	"processing_error":                           {"An error occurred while the card was processed.", stepAgain},
	"testmode_charges_only":                      {"", "Activate the Stripe account, or use a test key."},
	"bank_account_declined":                      {"The bank account cannot be charged.", stepOther},
	"insufficient_funds":                         {"There are insufficient funds.", stepOther},
	"debit_not_authorized":                       {"The payer's bank says that the debit was not authorized.", stepNeverAgain},
}

// FailureOf puts a refusal of Stripe's into words. message is Stripe's own sentence, redacted; it is used where no
// better one is known, and never for a reason that must not reach the payer. Pure.
func FailureOf(code, declineCode, message string) events.Failure {
	f := events.Failure{Code: code, DeclineCode: declineCode, Message: message}
	a, known := byDecline[declineCode]
	if !known {
		a, known = byCode[code]
	}
	switch {
	case known:
		f.NextStep = a.next
	case declineCode != "":
		// A decline code that came after this table: what it means for the payer is not known either.
		a.message, f.NextStep = genericMessage, stepIssuer
	default:
		f.NextStep = stepRequest
	}
	if a.message != "" {
		f.Message = a.message
	}
	if f.Message == "" {
		f.Message = "Stripe refused the payment."
	}
	if f.Code == "" {
		f.Code = "refused"
	}
	return f
}
