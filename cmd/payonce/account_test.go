package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/payonce/payonce/client"
	"github.com/payonce/payonce/config"
	"github.com/payonce/payonce/engine"
	"github.com/payonce/payonce/gateway"
)

func TestJudgeAccount(t *testing.T) {
	shop := engine.Account{ID: "acct_shop"}
	for _, c := range []struct {
		name    string
		kept    engine.Account
		setting string
		says    string
		err     error
		want    string
		refused string
	}{
		{name: "the first start", says: "acct_shop", want: "acct_shop"},
		{name: "the same", kept: shop, says: "acct_shop", want: "acct_shop"},
		{name: "another", kept: shop, says: "acct_other", refused: "acct_other"},
		{name: "set and said", setting: "acct_shop", says: "acct_shop", want: "acct_shop"},
		{name: "set otherwise", setting: "acct_shop", says: "acct_other", refused: "stripe_account"},
		{name: "hidden at the first start", err: gateway.ErrAccountHidden, want: ""},
		{name: "hidden and set", setting: "acct_shop", err: gateway.ErrAccountHidden, want: "acct_shop"},
		{name: "hidden, set and kept", kept: shop, setting: "acct_shop", err: gateway.ErrAccountHidden, want: "acct_shop"},
		{name: "hidden, set otherwise", kept: shop, setting: "acct_other", err: gateway.ErrAccountHidden, refused: "acct_other"},
		{name: "hidden and kept", kept: shop, err: gateway.ErrAccountHidden, refused: "set stripe_account"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := judgeAccount(config.Settings{StripeAccount: c.setting}, c.kept, false, c.says, c.err)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Fatalf("not refused: %+v, %v", got, err)
				}
				return
			}
			if err != nil || got.ID != c.want {
				t.Fatalf("%+v, %v", got, err)
			}
		})
	}
	if err := judgeMode(config.Settings{}, engine.Account{Live: true}, false); err == nil || !strings.Contains(err.Error(), "live mode") {
		t.Errorf("a test key on a folder of live payments: %v", err)
	}
}

// A key of another account would make every charge that was made invisible, and what is in doubt look unpaid.
func TestAKeyOfAnotherAccountIsRefused(t *testing.T) {
	far := dev(t, t.TempDir()).server.settings.StripeURL
	data := t.TempDir()
	args := []string{"dev", "--data", data, "--listen", "127.0.0.1:0", "--stripe-url", far}
	r := run(t, []string{"STRIPE_API_KEY=sk_test_shop_1"}, args...)
	if got := r.final("k", visa("")); got.State != client.StateSucceeded {
		t.Fatalf("%+v", got)
	}
	r.stop()

	r, _ = tryRun(t, []string{"STRIPE_API_KEY=sk_test_other_1"}, args...)
	if code := r.end(); code != exitError || !strings.Contains(r.errs.String(), "acct_") || !strings.Contains(r.errs.String(), "another data folder") {
		t.Fatalf("%d: %s", code, r.errs)
	}
	doctor := payonce(t, []string{"STRIPE_API_KEY=sk_test_other_1"}, "doctor", "--data", data, "--stripe-url", far).want(t, exitProblems)
	if !strings.Contains(doctor.out, "account") {
		t.Errorf("doctor says nothing of it: %s", doctor.out)
	}

	r = run(t, []string{"STRIPE_API_KEY=rk_test_shop_2"}, args...) // another key of the same account
	if got := r.final("k2", visa("")); got.State != client.StateSucceeded {
		t.Fatalf("%+v", got)
	}
}

// Until Stripe has said whose key it is, payments are taken and not worked on.
func TestNothingIsChargedBeforeTheAccountIsKnown(t *testing.T) {
	to, err := url.Parse(dev(t, t.TempDir()).server.settings.StripeURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	asked, release := make(chan struct{}, 1), make(chan struct{})
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/v1/account" {
			asked <- struct{}{}
			<-release
		} else {
			select {
			case <-release:
			default:
				t.Errorf("%s %s before the account is known", req.Method, req.URL)
			}
		}
		proxy.ServeHTTP(w, req)
	}))
	defer far.Close()
	r := run(t, nil, "dev", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--stripe-url", far.URL)
	got, err := r.client().Submit(t.Context(), "k", visa(""))
	if err != nil || got.State != client.StateAccepted {
		t.Fatalf("%+v, %v", got, err)
	}
	<-asked
	close(release)
	if got := r.final("k", visa("")); got.State != client.StateSucceeded {
		t.Fatalf("%+v", got)
	}
}
