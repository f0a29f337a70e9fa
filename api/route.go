package api

import (
	"net/http"
	"path"
	"slices"
	"strings"
)

// route is one operation of openapi.yaml.
type route struct {
	method, path string
	// open: no API key is asked for.
	open bool
	// fallback: it answers for what has no operation, whatever the request looks like.
	fallback bool
	// keyed: the handler reads Idempotency-Key, which has a guard of its own.
	keyed bool
	// params are the query parameters it takes.
	params []string
	handle func(*API, *exchange) error
}

func (r route) pattern() string { return r.method + " " + r.path }

// routes are all there are; a test holds them against openapi.yaml.
func routes() []route {
	return []route{
		{method: "POST", path: "/v1/payments", keyed: true, handle: (*API).submit},
		{method: "GET", path: "/v1/payments", handle: (*API).list, params: listParams},
		{method: "POST", path: "/v1/payments/cancel", keyed: true, handle: (*API).cancel},
		{method: "GET", path: "/v1/payments/{id}", handle: (*API).get},
		{method: "GET", path: "/v1/events", handle: (*API).feed, params: feedParams},
		{method: "GET", path: "/v1/overview", handle: (*API).overview},
		{method: "GET", path: "/healthz", open: true, handle: (*API).health},
		{method: "GET", path: "/readyz", open: true, handle: (*API).ready},
		{method: "GET", path: "/metrics", open: true, handle: (*API).serveMetrics},
	}
}

const cancelPath = "/v1/payments/cancel"

func (a *API) register() {
	allowed := map[string][]string{}
	for _, r := range routes() {
		a.mux.Handle(r.pattern(), a.serve(r))
		allowed[r.path] = append(allowed[r.path], r.method)
	}
	for p, methods := range allowed {
		if p == cancelPath {
			continue // ServeMux takes no fallback here; that of /v1/payments/{id} serves both
		}
		slices.Sort(methods)
		a.mux.Handle(p, a.serve(route{path: "unmatched", open: true, fallback: true, handle: func(_ *API, x *exchange) error {
			if x.r.URL.Path == cancelPath {
				return &problem{code: codeMethodNotAllowed, allow: http.MethodPost}
			}
			return &problem{code: codeMethodNotAllowed, allow: strings.Join(methods, ", ")}
		}}))
	}
	a.mux.Handle("/", a.serve(unmatched))
}

// unmatched answers for paths that do not exist.
var unmatched = route{path: "unmatched", open: true, fallback: true, handle: func(*API, *exchange) error {
	return &problem{code: codeNotFound, detail: "There is no such path: check it against the API's description."}
}}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// ServeMux would redirect an unclean path, and repeat it while doing so.
	if p := r.URL.Path; p == "" || p[0] != '/' || path.Clean(p) != p {
		a.serve(unmatched).ServeHTTP(w, r)
		return
	}
	a.mux.ServeHTTP(w, r)
}
