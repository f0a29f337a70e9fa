// Package api is the HTTP contract of payonce: openapi.yaml says what it is, this package does it. The
// types of package client are generated from the same file.
//
// A request passes, in this order: the router, authentication, the card-number guard on query and headers, its handler.
// Handlers return an error or write one answer; one table (problem.go) turns every error into an RFC 9457 problem. No
// answer and no log line repeats what was sent.
package api
