package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/payonce/payonce/idempotency"
)

// ErrAccountHidden tells that whoever answers will not say which account the key is of: a restricted key without the
// right to read it, or a stand-in that has none. Asking again changes nothing.
var ErrAccountHidden = errors.New("stripe gateway: the key may not read its account")

// Account asks which account the key is of, acct_ and letters. Every look at Stripe is a look at this account: in
// another one nothing that was ever charged can be found. It spends no budget and stops no workers.
//
// Errors: ErrAccountHidden; any other means that there was no usable answer, and that asking again later may help.
// Safe for concurrent use.
// Source: https://docs.stripe.com/api/accounts/retrieve
func (s *Stripe) Account(ctx context.Context) (string, error) {
	x := &exchange{kind: idempotency.CallRetrieve, name: "account", limit: maxAnswer, now: s.now}
	var account struct {
		Object string `json:"object"`
		ID     string `json:"id"`
	}
	// Not counted by the breaker: the right to read the account is not one that payments need.
	s.send(ctx, x, http.MethodGet, "/v1/account", "", APIVersion)
	switch {
	case !x.whole:
		return "", fmt.Errorf("stripe gateway: ask for the account: %w", x.err)
	case x.status == http.StatusForbidden, x.status == http.StatusNotFound:
		return "", ErrAccountHidden
	case x.status != http.StatusOK:
		return "", fmt.Errorf("stripe gateway: ask for the account: status %d", x.status)
	}
	if err := json.Unmarshal(x.body, &account, lenient); err != nil || account.Object != "account" ||
		!strings.HasPrefix(account.ID, "acct_") || len(account.ID) > maxAccountID {
		return "", errors.New("stripe gateway: ask for the account: the answer is not an account")
	}
	return account.ID, nil
}

// maxAccountID bounds what is kept of an answer.
const maxAccountID = 64
