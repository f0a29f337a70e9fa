package sandbox

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// paramTable holds every parameter that the sandbox takes. Sources: https://docs.stripe.com/api/payment_intents/create,
// /confirm, /cancel, /list, /search.
var paramTable = map[string]paramSpec{
	"amount": {on: epCreate, read: func(p *params, _ []string, v string) (err *apiError) {
		p.amount, err = integer("amount", v)
		return err
	}},
	"currency": {on: epCreate, read: func(p *params, _ []string, v string) *apiError {
		p.currency = strings.ToLower(v)
		return nil
	}},
	"payment_method": {on: epCreate | epConfirm, unset: true, read: text(200, func(p *params) *string { return &p.method })},
	"customer": {on: epCreate | epList, unset: true, read: func(p *params, _ []string, v string) *apiError {
		if v != "" && (!strings.HasPrefix(v, "cus_") || !word(v)) {
			return invalid("resource_missing", "customer", "No such customer: '%s'", shown(v))
		}
		p.customer = v
		return nil
	}},
	"description":          {on: epCreate, unset: true, read: text(5000, func(p *params) *string { return &p.description })},
	"receipt_email":        {on: epCreate | epConfirm, unset: true, read: text(500, func(p *params) *string { return &p.email })},
	"client_secret":        {on: epRetrieve, read: text(200, func(p *params) *string { return &p.secretGiven })},
	"starting_after":       {on: epList, read: text(200, func(p *params) *string { return &p.after })},
	"ending_before":        {on: epList, read: text(200, func(p *params) *string { return &p.before })},
	"page":                 {on: epSearch, read: text(200, func(p *params) *string { return &p.page })},
	"metadata":             {on: epCreate, depth: 1, unset: true, read: readMetadata},
	"statement_descriptor": {on: epCreate, unset: true, read: descriptor("statement_descriptor", func(p *params) *string { return &p.descriptor })},
	"statement_descriptor_suffix": {
		on: epCreate, unset: true,
		read: descriptor("statement_descriptor_suffix", func(p *params) *string { return &p.suffix }),
	},
	"setup_future_usage": {
		on: epCreate | epConfirm, unset: true,
		read: choice("setup_future_usage", func(p *params) *string { return &p.setup }, "", "on_session", "off_session"),
	},
	"capture_method":      {on: epCreate, read: choice("capture_method", nil, "automatic", "automatic_async")},
	"confirmation_method": {on: epCreate, read: choice("confirmation_method", nil, "automatic")},
	"cancellation_reason": {
		on: epCancel, read: choice("cancellation_reason", func(p *params) *string { return &p.reason },
			"duplicate", "fraudulent", "requested_by_customer", "abandoned"),
	},
	"return_url": {on: epCreate | epConfirm, read: func(p *params, _ []string, v string) *apiError {
		if u, err := url.Parse(v); err != nil || u.Scheme == "" || len(v) > 5000 {
			return invalid("url_invalid", "return_url", "Not a valid URL")
		}
		p.returnURL = v
		return nil
	}},
	"payment_method_types": {on: epCreate | epConfirm, depth: 1, read: func(p *params, _ []string, v string) *apiError {
		if v != "card" && v != "us_bank_account" {
			return invalid("", "payment_method_types", "The payment method type \"%s\" is invalid, or not one that the payonce sandbox knows (card, us_bank_account).", shown(v))
		}
		if !slices.Contains(p.types, v) {
			p.types = append(p.types, v)
		}
		return nil
	}},
	"automatic_payment_methods": {on: epCreate, depth: 1, read: func(p *params, path []string, v string) *apiError {
		switch {
		case len(path) == 1 && path[0] == "enabled":
			return choice("automatic_payment_methods[enabled]", func(p *params) *string { return &p.auto }, "true", "false")(p, path, v)
		case len(path) == 1 && path[0] == "allow_redirects":
			return choice("automatic_payment_methods[allow_redirects]", func(p *params) *string { return &p.redirects }, "always", "never")(p, path, v)
		}
		return unknownParams([]string{Field{Base: "automatic_payment_methods", Path: path}.Name()})
	}},
	"confirm": {on: epCreate, read: boolean("confirm", func(p *params) *bool { return &p.confirm })},
	"off_session": {on: epCreate | epConfirm, read: func(p *params, path []string, v string) *apiError {
		if v == "one_off" || v == "recurring" {
			p.offSession = true
			return nil
		}
		return boolean("off_session", func(p *params) *bool { return &p.offSession })(p, path, v)
	}},
	"error_on_requires_action": {on: epCreate | epConfirm, read: boolean("error_on_requires_action", func(p *params) *bool { return &p.failAction })},
	"use_stripe_sdk":           {on: epCreate | epConfirm, read: boolean("use_stripe_sdk", nil)},
	"expand":                   {on: posts | epRetrieve | epList | epSearch, depth: 1, read: readExpand},
	"limit": {on: epList | epSearch, read: func(p *params, _ []string, v string) *apiError {
		n, err := integer("limit", v)
		if err == nil && (n < 1 || n > 100) {
			err = invalid("parameter_invalid_integer", "limit", "This value must be between 1 and 100.")
		}
		p.limit = int(n)
		return err
	}},
	"created": {on: epList, depth: 1, read: readCreated},
	"query":   {on: epSearch, read: readQuery},
}

func integer(name, v string) (int64, *apiError) {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || v[0] == '+' {
		return 0, invalid("parameter_invalid_integer", name, "Invalid integer: %s", shown(v))
	}
	return n, nil
}

// word says whether v is letters, digits and underscores only.
func word(v string) bool {
	return !strings.ContainsFunc(v, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_'
	})
}

func text(limit int, at func(*params) *string) func(*params, []string, string) *apiError {
	return func(p *params, _ []string, v string) *apiError {
		if utf8.RuneCountInString(v) > limit {
			return invalid("parameter_invalid_string", "", "Invalid string: must be at most %d characters", limit)
		}
		*at(p) = v
		return nil
	}
}

func boolean(name string, at func(*params) *bool) func(*params, []string, string) *apiError {
	return func(p *params, _ []string, v string) *apiError {
		if v != "true" && v != "false" {
			return invalid("parameter_invalid_boolean", name, "Invalid boolean: %s", shown(v))
		}
		if at != nil {
			*at(p) = v == "true"
		}
		return nil
	}
}

func choice(name string, at func(*params) *string, allowed ...string) func(*params, []string, string) *apiError {
	return func(p *params, _ []string, v string) *apiError {
		if !slices.Contains(allowed, v) {
			return invalid("", name, "Invalid %s: must be one of %s", name, strings.TrimPrefix(strings.Join(allowed, ", "), ", "))
		}
		if at != nil {
			*at(p) = v
		}
		return nil
	}
}

// descriptor checks what a bank statement can show (https://docs.stripe.com/get-started/account/statement-descriptors).
func descriptor(name string, at func(*params) *string) func(*params, []string, string) *apiError {
	return func(p *params, _ []string, v string) *apiError {
		letter := strings.ContainsFunc(v, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' })
		switch {
		case v == "":
		case len(v) > 22:
			return invalid("", name, "The statement descriptor must be at most 22 characters.")
		case !letter:
			return invalid("", name, "The statement descriptor must contain at least one alphabetic character.")
		case strings.ContainsAny(v, `<>\'"*`):
			return invalid("", name, `The statement descriptor must not contain any of <, >, \, ', ", *.`)
		}
		*at(p) = v
		return nil
	}
}

// readMetadata holds the limits of https://docs.stripe.com/metadata: 50 keys, 40 characters a key, 500 a value.
func readMetadata(p *params, path []string, v string) *apiError {
	if len(path) == 0 || path[0] == "" {
		if v == "" {
			p.metadata = nil
			return nil
		}
		return invalid("", "metadata", "Invalid hash: metadata takes names in brackets, metadata[name]=value.")
	}
	key := path[0]
	if utf8.RuneCountInString(key) > 40 {
		return invalid("", "metadata", "Metadata keys can have up to 40 characters.")
	}
	if utf8.RuneCountInString(v) > 500 {
		return invalid("", "metadata", "Metadata values can have up to 500 characters.")
	}
	p.metadata = slices.DeleteFunc(p.metadata, func(x pair) bool { return x.K == key })
	if v == "" {
		return nil
	}
	if len(p.metadata) == 50 {
		return invalid("", "metadata", "Metadata can have up to 50 keys.")
	}
	p.metadata = append(p.metadata, pair{K: key, V: v})
	return nil
}

func readExpand(p *params, _ []string, v string) *apiError {
	switch strings.TrimPrefix(v, "data.") {
	case "latest_charge":
		p.expand |= expandCharge
	case "payment_method":
		p.expand |= expandMethod
	default:
		return invalid("", "expand", "This property cannot be expanded (%s).", shown(v))
	}
	return nil
}

func readCreated(p *params, path []string, v string) *apiError {
	n, err := integer("created", v)
	if err != nil {
		return err
	}
	op := ""
	if len(path) == 1 {
		op = path[0]
	}
	switch op {
	case "":
		p.created = span{n, n}
	case "gt":
		p.created.from = max(p.created.from, n+1)
	case "gte":
		p.created.from = max(p.created.from, n)
	case "lt":
		p.created.to = min(p.created.to, n-1)
	case "lte":
		p.created.to = min(p.created.to, n)
	default:
		return unknownParams([]string{Field{Base: "created", Path: path}.Name()})
	}
	return nil
}

// readQuery takes the part of Stripe's search language (https://docs.stripe.com/search#search-query-language) that asks
// for metadata: metadata['k']:'v', several joined by AND.
func readQuery(p *params, _ []string, v string) *apiError {
	bad := invalid("", "query", "We were unable to parse your search query. The payonce sandbox takes metadata['key']:'value' clauses joined by AND.")
	for {
		var key, value string
		var ok bool
		v = strings.TrimLeft(v, " ")
		if v, ok = strings.CutPrefix(v, "metadata["); !ok {
			return bad
		}
		if key, v, ok = quoted(v); !ok {
			return bad
		}
		if v, ok = strings.CutPrefix(v, "]:"); !ok {
			return bad
		}
		if value, v, ok = quoted(v); !ok {
			return bad
		}
		p.query = append(p.query, pair{K: key, V: value})
		if v = strings.TrimLeft(v, " "); v == "" {
			return nil
		}
		if v, ok = strings.CutPrefix(v, "AND "); !ok || len(p.query) == 10 {
			return bad
		}
	}
}

// quoted reads a string in single or double quotes with backslash escapes from the front of s.
func quoted(s string) (value, rest string, ok bool) {
	if s == "" || s[0] != '\'' && s[0] != '"' {
		return "", s, false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case s[0]:
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", s, false
			}
		}
		b.WriteByte(s[i])
	}
	return "", s, false
}
