package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"
)

// tenant is whose payments these are.
const tenant = "shop"

// server is something that payments are submitted to.
type server struct {
	*process
	key string // API key; empty: a peer, which settles before it answers
}

// setting is how payonce is started.
type setting struct {
	data   string
	stripe string
	flags  []string
}

// paused is where no Stripe is: port 1 is refused at once. After five payments workers stop receiving, and one payment
// each ten seconds tries again.
const paused = "http://127.0.0.1:1"

// backlogBound is above what waits in any measure: at the bound the server refuses payments and is not ready.
const backlogBound = "100000000"

// payonceServer makes a key and starts the server.
func (b *bench) payonceServer(ctx context.Context, dir string, s setting) (*server, error) {
	out, err := run(ctx, b.errs, nil, b.payonce, "keys", "create", "--tenant", tenant, "--principal", "bench", "--data", s.data, "--json")
	if err != nil {
		return nil, err
	}
	var key struct {
		Secret string `json:"secret"`
	}
	if err := json.Unmarshal(out, &key); err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	args := append([]string{
		"serve", "--data", s.data, "--listen", "127.0.0.1:0", "--stripe-url", s.stripe, "--log-level", b.logLevel,
		"--max-backlog", backlogBound,
	}, s.flags...)
	p, err := launch(ctx, dir, b.payonce, args, []string{"STRIPE_API_KEY=" + standInKey}, nil)
	return &server{process: p, key: key.Secret}, err
}

// sandbox starts the Stripe stand-in, without a file: its disk is not what is measured.
func (b *bench) sandbox(ctx context.Context, dir string) (*process, error) {
	return launch(ctx, dir, b.payonce, []string{"sandbox", "--listen", "127.0.0.1:0"}, nil, nil)
}

// overview is what is looked at of GET /v1/overview.
type overview struct {
	States map[string]int `json:"states"`
	Queue  struct {
		Visible  int `json:"visible"`
		InFlight int `json:"in_flight"`
		Delayed  int `json:"delayed"`
	} `json:"queue"`
}

func (s *server) overview(ctx context.Context) (overview, error) {
	var o overview
	return o, get(ctx, s.url+"/v1/overview", s.key, &o)
}

const (
	settleEvery = 10 * time.Millisecond
	settleBound = 10 * time.Minute
)

// settled waits until n payments have succeeded and no message is left, and says when that was seen.
func (s *server) settled(ctx context.Context, n int) (time.Time, error) {
	if s.key == "" {
		return time.Now(), nil
	}
	bound := time.Now().Add(settleBound)
	every := time.NewTicker(settleEvery)
	defer every.Stop()
	for {
		o, err := s.overview(ctx)
		now := time.Now()
		switch {
		case err != nil:
			return now, err
		case o.States["succeeded"] == n && o.Queue.Visible+o.Queue.InFlight+o.Queue.Delayed == 0:
			return now, nil
		case now.After(bound):
			return now, fmt.Errorf("%d payments were not settled within %s: %v", n, settleBound, o)
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return now, ctx.Err()
		}
	}
}

// charges asks the stand-in how often it has charged, and how often the payment that it charged most often.
func charges(ctx context.Context, sandbox *process) (all, most int, err error) {
	var stats struct {
		Charges    int `json:"charges"`
		PerPayment struct {
			Max int `json:"max"`
		} `json:"charges_per_payment"`
	}
	err = get(ctx, sandbox.url+"/_sandbox/stats", "", &stats)
	return stats.Charges, stats.PerPayment.Max, err
}

func get(ctx context.Context, url, key string, into any) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	if into == nil {
		_, err := io.Copy(io.Discard, resp.Body)
		return err
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// data is a data folder inside of a run's folder.
func data(dir string) string { return filepath.Join(dir, "data") }
