package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/payonce/payonce/config"
	"github.com/payonce/payonce/engine"
	"github.com/payonce/payonce/gateway"
)

// accountRetry is the pause before Stripe is asked again which account the key is of.
const accountRetry = 5 * time.Second

// wrongAccount is a start that is refused: with this key no charge that was made could be found, and what is paid would
// look unpaid.
type wrongAccount struct{ is, kept, remedy string }

func (e *wrongAccount) Error() string {
	return fmt.Sprintf("the Stripe key is of %s, but the payments of this data folder are made in %s: %s", e.is, e.kept, e.remedy)
}

const otherKeyOrFolder = "use a key of that one, or another data folder"

// judgeMode compares what can be compared without asking Stripe.
func judgeMode(s config.Settings, kept engine.Account, live bool) error {
	if kept.Live != live {
		return &wrongAccount{is: stripeMode(live) + " mode", kept: stripeMode(kept.Live) + " mode", remedy: otherKeyOrFolder}
	}
	if s.StripeAccount != "" && kept.ID != "" && kept.ID != s.StripeAccount {
		return &wrongAccount{is: s.StripeAccount + " (stripe_account)", kept: kept.ID, remedy: otherKeyOrFolder}
	}
	return nil
}

// judgeAccount compares what Stripe said, or would not say, with what is kept and set. It returns the account to keep.
func judgeAccount(s config.Settings, kept engine.Account, live bool, id string, err error) (engine.Account, error) {
	switch {
	case errors.Is(err, gateway.ErrAccountHidden):
		if id = s.StripeAccount; id == "" && kept.ID != "" {
			return kept, &wrongAccount{
				is: "an account that it may not read", kept: kept.ID,
				remedy: "if it is of that one, set stripe_account to it, or give the key the right to read its account",
			}
		}
	case err != nil:
		return kept, err
	case s.StripeAccount != "" && id != s.StripeAccount:
		return kept, &wrongAccount{is: id, kept: s.StripeAccount + ", says stripe_account", remedy: "correct the key or the setting"}
	}
	if kept.ID != "" && id != kept.ID {
		return kept, &wrongAccount{is: id, kept: kept.ID, remedy: otherKeyOrFolder}
	}
	return engine.Account{ID: id, Live: live}, nil
}

// confirmAccount asks Stripe until it is sure that the key is of the account in which the payments are made, keeps that,
// and lets the workers begin. Requests to the API are served meanwhile.
func (s *server) confirmAccount() error {
	for {
		err := s.tryAccount(s.backCtx)
		var wrong *wrongAccount
		switch {
		case err == nil:
			close(s.confirmed)
			return nil
		case errors.As(err, &wrong):
			return err
		}
		if s.backCtx.Err() == nil {
			s.log.Warn("no payment is worked on until Stripe says which account the key is of", slog.String("error", err.Error()))
		}
		select {
		case <-time.After(accountRetry):
		case <-s.backCtx.Done():
			return nil
		}
	}
}

func (s *server) tryAccount(ctx context.Context) error {
	kept, _, err := s.store.Account(ctx)
	if err != nil {
		return err
	}
	id, err := s.stripe.Account(ctx)
	is, err := judgeAccount(s.settings, kept, s.stripe.Live(), id, err)
	if err != nil {
		return err
	}
	if is.ID == "" {
		s.log.Warn("Stripe does not say which account the key is of: a later key of another account would not be noticed; set stripe_account")
	}
	return s.store.KeepAccount(ctx, is)
}

// afterAccount runs work once the account is confirmed.
func (s *server) afterAccount(ctx context.Context, work func()) {
	select {
	case <-s.confirmed:
		work()
	case <-ctx.Done():
	}
}
