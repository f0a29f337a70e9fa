package sandbox

import (
	"cmp"
	"slices"
	"strings"
)

// expand says which ids an answer shows as whole objects.
type expand uint8

const (
	expandCharge expand = 1 << iota
	expandMethod
)

// params are the checked parameters of one request. Which of them an endpoint takes is in paramTable.
type params struct {
	amount      int64
	currency    string
	method      string
	customer    string
	description string
	metadata    []pair
	descriptor  string
	suffix      string
	email       string
	setup       string
	returnURL   string
	types       []string
	auto        string // "", "true", "false"
	redirects   string // "", "always", "never"
	confirm     bool
	offSession  bool
	failAction  bool // error_on_requires_action
	reason      string
	expand      expand

	limit       int
	after       string
	before      string
	created     span
	query       []pair
	page        string
	given       map[string]struct{}
	secretGiven string
}

func (p *params) has(name string) bool { return in(p.given, name) }

// span is a range of seconds since 1970, both ends included.
type span struct{ from, to int64 }

// paramSpec says where a parameter may be given and how it is read. path is what follows the base name in brackets.
type paramSpec struct {
	on    endpoint
	depth int // brackets after the name
	unset bool
	read  func(p *params, path []string, value string) *apiError
}

// notHere are parameters that Stripe has and the sandbox has not. They are refused rather than ignored: a test must not
// pass because a parameter did nothing.
var notHere = set("application_fee_amount", "confirmation_token", "excluded_payment_method_types", "mandate", "mandate_data",
	"on_behalf_of", "payment_method_configuration", "payment_method_data", "payment_method_options", "radar_options",
	"shipping", "transfer_data", "transfer_group", "amount_to_confirm", "capture_method", "confirmation_method")

// parseParams checks a form against an endpoint's parameters in Stripe's order: unknown names, values, missing ones.
func parseParams(ep endpoint, form Form) (*params, *apiError) {
	p := &params{limit: 10, created: span{0, 1 << 60}, given: make(map[string]struct{}, len(form))}
	var unknown []string
	for _, f := range form {
		spec, ok := paramTable[f.Base]
		if !ok || spec.on&ep == 0 || len(f.Path) > spec.depth {
			unknown = append(unknown, f.Name())
		}
	}
	if len(unknown) > 0 {
		return nil, unknownParams(unknown)
	}
	for _, f := range form {
		spec := paramTable[f.Base]
		if f.Value == "" && !spec.unset {
			return nil, invalid("parameter_invalid_empty", f.Name(),
				"You passed an empty string for '%s'. Empty values unset a parameter, and this one cannot be unset.", shown(f.Name()))
		}
		if err := spec.read(p, f.Path, f.Value); err != nil {
			if err.Param == "" {
				err.Param = f.Base
			}
			return nil, err
		}
		p.given[f.Base] = struct{}{}
	}
	slices.SortFunc(p.metadata, func(a, b pair) int { return cmp.Compare(a.K, b.K) })
	return p, p.check(ep)
}

func unknownParams(names []string) *apiError {
	base, _, _ := strings.Cut(names[0], "[")
	if in(notHere, base) {
		return invalid("parameter_unknown", shown(names[0]), "The payonce sandbox does not support the parameter %s.", shown(names[0]))
	}
	list := make([]string, 0, len(names))
	for _, n := range names[:min(len(names), 10)] {
		list = append(list, shown(n))
	}
	plural := ""
	if len(list) > 1 {
		plural = "s"
	}
	return invalid("parameter_unknown", list[0], "Received unknown parameter%s: %s", plural, strings.Join(list, ", "))
}

// check holds the rules between parameters.
func (p *params) check(ep endpoint) *apiError {
	switch ep {
	case epCreate:
		return p.checkCreate()
	case epSearch:
		if len(p.query) == 0 {
			return missing("query")
		}
	case epList:
		if p.after != "" && p.before != "" {
			return invalid("", "starting_after", "You cannot parameterize both starting_after and ending_before.")
		}
	}
	return nil
}

func (p *params) checkCreate() *apiError {
	if !p.has("amount") {
		return missing("amount")
	}
	if p.currency == "" {
		return missing("currency")
	}
	if err := checkMoney(p.amount, p.currency); err != nil {
		return err
	}
	if p.method != "" && findMethod(p.method) == nil {
		return noSuchMethod(p.method)
	}
	if p.auto == "true" && len(p.types) > 0 {
		return invalid("", "payment_method_types", "You may only specify one of these parameters: automatic_payment_methods, payment_method_types.")
	}
	if p.redirects != "" && p.auto == "" {
		return missing("automatic_payment_methods[enabled]")
	}
	if !p.confirm {
		for _, name := range [...]string{"return_url", "off_session", "error_on_requires_action"} {
			if p.has(name) {
				return invalid("", name, "The parameter `%s` can only be passed when `confirm=true`.", name)
			}
		}
		return nil
	}
	if p.method == "" {
		return unexpectedStateUnstored("You cannot confirm this PaymentIntent because it's missing a payment method.")
	}
	if p.automatic() && p.redirects != "never" && p.returnURL == "" {
		return needsReturnURL(false)
	}
	return nil
}

// automatic says whether a new intent takes the methods of the Dashboard: the default since API version 2023-08-16, if
// no payment_method_types are named (https://docs.stripe.com/upgrades#2023-08-16).
func (p *params) automatic() bool { return p.auto != "false" && len(p.types) == 0 }

func noSuchMethod(id string) *apiError {
	return invalid("resource_missing", "payment_method", "No such PaymentMethod: '%s'", shown(id))
}

func unexpectedStateUnstored(message string) *apiError {
	return invalid("payment_intent_unexpected_state", "payment_method", "%s", message)
}

func needsReturnURL(withIntent bool) *apiError {
	e := invalid("", "return_url", "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. "+
		"Because some of these payment methods might redirect your customer off of your page, you must provide a `return_url`. "+
		"If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and "+
		"`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.")
	e.WithIntent = withIntent
	return e
}
