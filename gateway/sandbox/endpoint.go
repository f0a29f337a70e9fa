package sandbox

import "strings"

// endpoint is one of the Stripe operations that the sandbox knows. Several can be joined as bits.
type endpoint uint16

const (
	epCreate endpoint = 1 << iota
	epConfirm
	epCancel
	epRetrieve
	epList
	epSearch
	epBalance
	epAccount
	epUnknown
)

var endpointNames = map[endpoint]string{
	epCreate: "create", epConfirm: "confirm", epCancel: "cancel", epRetrieve: "retrieve", epList: "list",
	epSearch: "search", epBalance: "balance", epAccount: "account", epUnknown: "unknown",
}

func (e endpoint) String() string { return endpointNames[e] }

const posts = epCreate | epConfirm | epCancel

func endpointNamed(name string) (endpoint, bool) {
	for ep, n := range endpointNames {
		if n == name {
			return ep, true
		}
	}
	return 0, false
}

// route finds the operation that a method and path ask for, and the PaymentIntent's id in the path.
func route(verb, path string) (ep endpoint, id string) {
	rest, ok := strings.CutPrefix(path, "/v1/payment_intents")
	if !ok {
		switch {
		case verb == "GET" && path == "/v1/balance":
			return epBalance, ""
		case verb == "GET" && path == "/v1/account":
			return epAccount, ""
		}
		return epUnknown, ""
	}
	if rest == "" {
		switch verb {
		case "POST":
			return epCreate, ""
		case "GET":
			return epList, ""
		}
		return epUnknown, ""
	}
	rest, ok = strings.CutPrefix(rest, "/")
	id, action, deeper := strings.Cut(rest, "/")
	switch {
	case !ok || id == "":
		return epUnknown, ""
	case verb == "GET" && !deeper && id == "search":
		return epSearch, ""
	case verb == "GET" && !deeper:
		return epRetrieve, id
	case verb == "POST" && action == "confirm":
		return epConfirm, id
	case verb == "POST" && action == "cancel":
		return epCancel, id
	}
	return epUnknown, ""
}
