package api

import (
	"net/http"

	"github.com/payonce/payonce/accept"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

const submitPath = "/v1/payments"

// submit is POST /v1/payments.
func (a *API) submit(x *exchange) error {
	res, err := a.take(x)
	a.metrics.accepted(res, err)
	if err != nil {
		return err
	}
	x.answer(&res)
	return nil
}

func (a *API) take(x *exchange) (accept.Result, error) {
	if err := checkContentType(x.r.Header); err != nil {
		return accept.Result{}, err
	}
	key, err := events.ParseKey(x.r.Header["Idempotency-Key"])
	if err != nil {
		return accept.Result{}, err
	}
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	if err := readBody(x.r, b); err != nil {
		return accept.Result{}, err
	}
	return a.Desk.Submit(x.ctx, x.key.Tenant, key, *b, traceparent(x.ctx))
}

// cancel is POST /v1/payments/cancel.
func (a *API) cancel(x *exchange) error {
	key, err := events.ParseKey(x.r.Header["Idempotency-Key"])
	if err != nil {
		return err
	}
	res, err := a.Desk.Cancel(x.ctx, x.key.Tenant, key)
	if err != nil {
		return err
	}
	x.answer(&res)
	return nil
}

// answer writes a submit's or cancel's result: 200 when the payment is final, 202 while it is open.
func (x *exchange) answer(res *accept.Result) {
	x.payment = res.Record.ID
	h := x.w.Header()
	h["Location"] = []string{submitPath + "/" + res.Record.ID.String()}
	if res.Replayed {
		h["Idempotent-Replayed"] = []string{"true"}
	}
	status := http.StatusAccepted
	if res.Record.State.Final() {
		status = http.StatusOK
	}
	x.writePayment(status, &res.Record, res.Warnings)
}

func (x *exchange) writePayment(status int, r *idempotency.Record, warnings []events.Warning) {
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	*b = appendPayment((*b)[:0], r, warnings)
	x.writeJSON(status, *b)
}

// get is GET /v1/payments/{id}. Payments of other tenants do not exist.
func (a *API) get(x *exchange) error {
	id, err := events.ParseID(x.r.PathValue("id"))
	if err != nil {
		return &problem{code: codeNotFound}
	}
	r, err := a.Reader.Load(x.ctx, id)
	if err != nil {
		return err
	}
	if r.Tenant != x.key.Tenant {
		return &problem{code: codeNotFound}
	}
	x.payment = id
	x.writePayment(http.StatusOK, &r, nil)
	return nil
}
