package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/payonce/payonce/client"
)

// load submits payments and remembers what it was told.
type load struct {
	house  *house
	rate   float64
	events sync.WaitGroup

	mu       sync.Mutex
	dice     *rand.Rand
	n        int
	paid     map[string]acknowledged // by payment id
	refs     []string                // references that were used
	refused  map[string]int          // by problem code
	repeated int
	wrong    []string // answers that break a promise at once
	stop     context.CancelFunc
	half     []client.CloudEvent // the feed as it was half-way
}

// acknowledged is a payment that the server has answered for.
type acknowledged struct {
	key       string
	reference string
	amount    int64
}

// answerBound is how long one key may go without a definite answer, kills and restarts included.
const answerBound = 3 * time.Minute

func newLoad(h *house, o options) *load {
	return &load{
		house: h, rate: o.rate, dice: rand.New(rand.NewPCG(o.seed, 2)),
		paid: map[string]acknowledged{}, refused: map[string]int{},
	}
}

// newClient repeats a key until it is answered: that is what the test is about.
func newClient(url, key string) (*client.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	return client.New(url, key, client.WithHTTPClient(&http.Client{Transport: transport}), client.WithTimeout(10*time.Second),
		client.WithBackOff(func() backoff.BackOff {
			return backoff.NewExponentialBackOff(backoff.WithInitialInterval(50*time.Millisecond),
				backoff.WithMaxInterval(time.Second), backoff.WithMaxElapsedTime(answerBound))
		}))
}

// start submits at the rate until ctx ends. A submission that has begun goes on to its answer.
func (l *load) start(ctx context.Context) {
	answers, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	l.events.Go(func() {
		tick := time.NewTicker(time.Duration(float64(time.Second) / l.rate))
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				l.one(answers)
			case <-ctx.Done():
				return
			}
		}
	})
}

// wait returns when every key has its answer.
func (l *load) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { l.events.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		l.stop()
		<-done
		return ctx.Err()
	}
}

// one begins the next payment, or two.
func (l *load) one(ctx context.Context) {
	l.mu.Lock()
	l.n++
	key := fmt.Sprintf("k-%d-%d", l.house.seed, l.n)
	r := client.PaymentRequest{
		Amount: 100 + l.dice.Int64N(100_000), Currency: "eur", PaymentMethod: "pm_card_visa",
		Reference: fmt.Sprintf("order-%d", l.n), Metadata: map[string]string{"n": fmt.Sprintf("n%d", l.n)},
	}
	copies := 1
	switch d := l.dice.IntN(100); {
	case d < 8:
		r.PaymentMethod = "pm_card_chargeDeclined"
	case d < 12:
		r.PaymentMethod = "pm_sandbox_declines_1_processing_error"
	case d < 15:
		r.PaymentMethod = "pm_card_chargeDeclinedInsufficientFunds"
	case d < 30 && len(l.refs) > 0:
		// A second payment for a purchase: of the last few, so that its first may still be open.
		r.Reference = l.refs[len(l.refs)-1-l.dice.IntN(min(len(l.refs), 40))]
	case d < 40:
		copies = 2
	case d < 45:
		r.Reference = "" // protects the key alone
	}
	if r.Reference != "" {
		l.refs = append(l.refs, r.Reference)
	}
	l.mu.Unlock()
	for range copies {
		l.events.Go(func() { l.submit(ctx, key, r) })
	}
}

func (l *load) submit(ctx context.Context, key string, r client.PaymentRequest) {
	p, err := l.house.api.Submit(ctx, key, r)
	l.mu.Lock()
	defer l.mu.Unlock()
	var problem *client.Problem
	switch {
	case err == nil:
		was, again := l.paid[p.ID]
		if again {
			l.repeated++
		}
		if again && was.key != key || p.Amount != r.Amount || p.Reference != r.Reference {
			l.wrong = append(l.wrong, fmt.Sprintf("%s was answered for another request than key %s", p.ID, key))
		}
		l.paid[p.ID] = acknowledged{key: key, reference: r.Reference, amount: r.Amount}
	case errors.Is(err, client.ErrUndecided):
		if ctx.Err() == nil {
			l.wrong = append(l.wrong, fmt.Sprintf("key %s was not answered within %s: %v", key, answerBound, err))
		}
	case errors.As(err, &problem):
		l.refused[string(problem.Code)]++
		if problem.Code != client.CodeReferenceHeld {
			l.wrong = append(l.wrong, fmt.Sprintf("key %s was refused: %v", key, err))
		}
	default:
		l.wrong = append(l.wrong, fmt.Sprintf("key %s: %v", key, err))
	}
}

func (l *load) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.paid)
}

// remember reads the feed as it is now, to compare it with what it will be.
func (l *load) remember(ctx context.Context) error {
	all, err := feed(ctx, l.house.api)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.half = all
	return err
}

// feed reads all outcomes there are.
func feed(ctx context.Context, c *client.Client) ([]client.CloudEvent, error) {
	var all []client.CloudEvent
	for after := ""; ; {
		list, err := c.Events(ctx, after, 100, 0)
		if err != nil {
			return nil, err
		}
		all = append(all, list.Events...)
		if list.Next == after {
			return all, nil
		}
		after = list.Next
	}
}
