package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/spf13/cobra"

	"github.com/payonce/payonce/client"
	"github.com/payonce/payonce/config"
)

// clientFlags adds what every command that speaks to the API takes.
func clientFlags(cmd *cobra.Command, patience *time.Duration) {
	config.AddFlags(cmd.Flags(), config.Client)
	cmd.Flags().DurationVar(patience, "timeout", 30*time.Second, "how long to go on trying to get an answer")
}

// api makes a client from the settings. Without an API key the development key of the data folder is used.
func (a *app) api(cmd *cobra.Command, patience time.Duration) (*client.Client, error) {
	loaded, err := a.settings(cmd)
	if err != nil {
		return nil, err
	}
	key := loaded.APIKey.Reveal()
	if key == "" {
		key = readDevKey(loaded.Data)
	}
	if key == "" {
		return nil, usage("an API key is missing: set PAYONCE_API_KEY; `payonce keys create` makes one")
	}
	c, err := client.New(loaded.URL, key, client.WithBackOff(func() backoff.BackOff {
		return backoff.NewExponentialBackOff(backoff.WithInitialInterval(200*time.Millisecond),
			backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(patience))
	}), client.WithTimeout(max(min(patience, 15*time.Second), time.Second)))
	if err != nil {
		return nil, coded(exitUsage, err)
	}
	return c, nil
}

// answered gives the error of an API call its exit code.
func answered(err error) error {
	var p *client.Problem
	switch {
	case err == nil:
		return nil
	case errors.Is(err, client.ErrKey):
		return coded(exitUsage, err)
	case errors.Is(err, client.ErrUndecided):
		return coded(exitUndecided, err)
	case errors.Is(err, context.Canceled):
		return coded(exitError, errors.New("interrupted"))
	case errors.As(err, &p):
		if p.Holder != nil {
			err = fmt.Errorf("%w (held by %s, %s)", err, p.Holder.ID, p.Holder.State)
		}
		switch {
		case p.Status == http.StatusNotFound:
			return coded(exitNotFound, err)
		case p.Status >= 400 && p.Status < 500:
			return coded(exitRefused, err)
		}
	}
	return err
}

// printPayment writes a payment for people: what they look for first, first.
func printPayment(cmd *cobra.Command, p *client.Payment) error {
	rows := [][2]string{
		{"state", string(p.State)},
		{"amount", fmt.Sprintf("%d %s (minor units)", p.Amount, p.Currency)},
		{"captured", fmt.Sprint(p.AmountCaptured)},
		{"reference", p.Reference},
		{"attempts", fmt.Sprint(p.Attempts)},
		{"payment intent", p.Stripe.PaymentIntent},
		{"charge", p.Stripe.Charge},
	}
	if c := p.Card; c != nil {
		rows = append(rows, [2]string{"card", fmt.Sprintf("%s ending in %s, %02d/%d", c.Brand, c.Last4, c.ExpMonth, c.ExpYear)})
	}
	if f := p.Failure; f != nil {
		rows = append(rows, [2]string{"failure", f.Code + " " + f.DeclineCode}, [2]string{"", f.Message}, [2]string{"next step", f.NextStep})
	}
	if n := p.NextAction; n != nil {
		rows = append(rows, [2]string{"next action", n.Type})
	}
	if t := p.Attention; t != nil {
		rows = append(rows, [2]string{"attention", t.Class + " since " + stamp(t.Since)})
	}
	rows = append(rows, [2]string{"created", stamp(p.CreatedAt)}, [2]string{"updated", stamp(p.UpdatedAt)})
	for _, w := range p.Warnings {
		rows = append(rows, [2]string{"warning", w.Message})
	}
	fmt.Fprintln(cmd.OutOrStdout(), p.ID)
	for _, r := range rows {
		if r[1] != "" {
			fmt.Fprintf(cmd.OutOrStdout(), "  %-15s %s\n", r[0], r[1])
		}
	}
	return nil
}
