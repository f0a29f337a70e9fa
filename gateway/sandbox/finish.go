package sandbox

import (
	"net/http"
	"time"
)

// finish executes a pending request.
func (s *Stripe) finish(p *Pending, now time.Time) Response {
	t := s.tick(now)
	if p.key != nil {
		delete(s.inFlight, *p.key)
	}
	if p.ep&posts == 0 {
		s.read(p, t)
		return p.resp
	}
	d := s.run(p, moment{begun: t, now: t})
	if d.err != nil && !d.err.Stored {
		p.resp.set(answer{status: d.err.Status, err: d.err, intent: s.owned(p)})
		p.resp.after = s.pos
		s.spoil(p, t)
		return p.resp
	}
	s.conclude(p, d, t)
	return p.resp
}

// conclude commits an executed request: its effect, its kept answer and its fault, in one entry.
func (s *Stripe) conclude(p *Pending, d *draft, t int64) {
	e := d.entry(t)
	status, told := http.StatusOK, d.err
	if told != nil {
		status = told.Status
	}
	about := p.id
	if d.pi != nil {
		about = d.pi.ID
	}
	switch p.fault.Kind {
	case Error500Effect:
		told = serverError()
	case Error500NoEffect:
		e, told = &entry{At: t}, serverError()
	case Error500LateEffect:
		e, told = &entry{At: t, Seq: s.seq + 1}, serverError()
		e.Add = &due{
			N: e.Seq, At: t + p.fault.Delay.Milliseconds(), Kind: dueEffect, Begun: t, Account: p.account, Request: p.late(),
		}
	}
	if told != nil && told.Type == typeAPI {
		status, about = http.StatusInternalServerError, ""
	}
	if p.key != nil {
		e.Key = &kept{
			Key: *p.key, Print: p.print, Created: t, Status: status, Intent: about, Err: told, Expand: p.params.expand,
			Request: p.resp.RequestID,
		}
	}
	if p.fault.Kind != None && !p.taken {
		p.taken, p.resp.Fault = true, p.fault.Kind
		e.Fault, e.Rule = p.fault.Kind, p.rule
	}
	if e.Intent != nil || e.Key != nil || e.Add != nil || e.Fault != None {
		s.commit(e)
	}
	p.resp.set(answer{status: status, intent: s.intents[about], err: told, expand: p.params.expand})
	p.resp.after = s.pos
	s.spoil(p, t)
}

// owned is the intent that a request names, if it is the account's own.
func (s *Stripe) owned(p *Pending) *intent {
	if pi := s.intents[p.id]; pi != nil && pi.Account == p.account {
		return pi
	}
	return nil
}

// run makes the draft of a request's effect.
func (s *Stripe) run(p *Pending, at moment) *draft {
	if p.ep == epCreate {
		d := s.draftOf(nil, at)
		d.create(p.account, p.params)
		return d
	}
	pi := s.owned(p)
	d := s.draftOf(pi, at)
	if pi == nil {
		d.refuse(noSuchIntent(p.id, "intent", http.StatusNotFound))
		return d
	}
	if p.ep == epCancel {
		d.cancel(p.params)
		return d
	}
	if p.params.method != "" && findMethod(p.params.method) == nil {
		d.refuse(noSuchMethod(p.params.method))
		return d
	}
	d.confirm(p.params)
	return d
}

// late is the request as it waits in the agenda: without authorisation, its key as a hash.
func (p *Pending) late() *Request {
	return &Request{Method: p.req.Method, Path: p.req.Path, Query: p.req.Query, Body: p.req.Body, KeyHash: p.key}
}

// sendLate puts a request on its way, to arrive later. One that would be refused for its parameters is dropped, so that
// nothing unchecked is kept.
func (s *Stripe) sendLate(p *Pending, t int64) {
	if p.badParams != nil || p.ep&posts == 0 {
		s.inject(p, t)
		return
	}
	p.taken, p.resp.Fault = true, p.fault.Kind
	n := s.seq + 1
	s.commit(&entry{At: t, Seq: n, Fault: p.fault.Kind, Rule: p.rule, Add: &due{
		N: n, At: t + p.fault.Delay.Milliseconds(), Kind: dueArrive, Begun: t, Account: p.account, Request: p.late(),
	}})
	p.resp.after = s.pos
}

// carryOut does one item of the agenda at the time that it was due. Each ends in an entry that marks it as done.
func (s *Stripe) carryOut(d *due) {
	e := &entry{At: d.At}
	switch d.Kind {
	case dueSettle:
		if pi := s.intents[d.Intent]; pi != nil && pi.Status == Processing && pi.Attempts == d.Attempt {
			step := s.draftOf(pi, moment{begun: d.Begun, now: d.At})
			step.settle(describe(pi.Method).settleFail == nil)
			e = step.entry(d.At)
		}
	case dueEffect, dueArrive:
		e = s.belated(d)
	}
	e.Done = d.N
	s.commit(e)
}

// belated is the entry of a request that is carried out after its client went away.
func (s *Stripe) belated(d *due) *entry {
	none := &entry{At: d.At}
	p := &Pending{req: d.Request, resp: s.begun(d.Request), account: d.Account}
	p.ep, p.id = route(d.Request.Method, d.Request.Path)
	p.parse()
	if p.badForm != nil || p.badParams != nil {
		return none
	}
	at := moment{begun: d.Begun, now: d.At}
	if d.Kind == dueArrive {
		at.begun = d.At
		if p.key != nil {
			_, busy := s.inFlight[*p.key]
			if busy || s.findKey(*p.key, d.At) != nil {
				return none
			}
		}
	}
	step := s.run(p, at)
	if step.err != nil && !step.err.Stored {
		return none
	}
	e := step.entry(d.At)
	if d.Kind == dueArrive && p.key != nil {
		status, about := http.StatusOK, p.id
		if step.err != nil {
			status = step.err.Status
		}
		if step.pi != nil {
			about = step.pi.ID
		}
		e.Key = &kept{
			Key: *p.key, Print: p.print, Created: d.At, Status: status, Intent: about, Err: step.err,
			Expand: p.params.expand, Request: p.resp.RequestID,
		}
	}
	return e
}
