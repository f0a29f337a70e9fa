package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/payonce/payonce/access"
)

// authenticate finds the key of the request. Missing, malformed, unknown and revoked keys get the same answer.
func (a *API) authenticate(ctx context.Context, r *http.Request) (access.Key, error) {
	key, err := a.Keys.Authenticate(ctx, bearer(r.Header["Authorization"]))
	switch {
	case err == nil:
		return key, nil
	case errors.Is(err, access.ErrDenied):
		return access.Key{}, &problem{code: codeUnauthenticated}
	default:
		return access.Key{}, &problem{code: codeUnavailable, cause: err}
	}
}

// bearer is the token of exactly one Authorization header, or empty.
// Source: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
func bearer(values []string) string {
	const scheme = "Bearer "
	if len(values) != 1 || len(values[0]) < len(scheme) || !strings.EqualFold(values[0][:len(scheme)], scheme) {
		return ""
	}
	return strings.Trim(values[0][len(scheme):], " ")
}
