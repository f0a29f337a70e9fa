package sandbox

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"slices"
)

// parse decodes the form, checks the parameters and derives the idempotency key's hash and the request's print.
func (p *Pending) parse() {
	r := p.req
	if p.ep == epUnknown {
		p.badForm = invalid("", "", "Unrecognized request URL (%s: %s). Please see https://stripe.com/docs or the payonce sandbox's list of endpoints.",
			shown(r.Method), shown(r.Path))
		p.badForm.Status = http.StatusNotFound
		return
	}
	form, err := ParseForm(r.Body)
	if err == nil && r.Query != "" {
		var query Form
		query, err = ParseForm(r.Query)
		form = append(query, form...)
	}
	if err != nil {
		p.badForm = invalid("", "", "Invalid request: the parameters are not a well-formed form.")
		return
	}
	p.form = form
	p.params, p.badParams = parseParams(p.ep, form)
	if p.ep&posts == 0 {
		return
	}
	switch {
	case r.KeyHash != nil:
		p.key = r.KeyHash
	case r.IdempotencyKey == "":
		return
	case len(r.IdempotencyKey) > 255:
		p.badForm = invalid("", "", "Invalid idempotency key: it must be at most 255 characters long.")
		p.badForm.Type = typeIdempotency
		return
	default:
		h := hash("key", p.account, r.IdempotencyKey)
		p.key = &h
	}
	p.print = fingerprint(r, form)
}

// fingerprint is the same for two requests of one method, path and set of parameters, in whatever order.
func fingerprint(r *Request, form Form) keyHash {
	parts := make([]string, 0, 2*len(form)+4)
	for _, f := range form {
		parts = append(parts, f.Name()+"\x00"+f.Value)
	}
	slices.Sort(parts)
	return hash(append(parts, "print", r.Method, r.Path)...)
}

// hash is the first half of SHA-256 over the parts, each with its length before it.
func hash(parts ...string) keyHash {
	h := sha256.New()
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return keyHash(h.Sum(nil)[:16])
}

// findKey is the answer kept under a key, if it is young enough.
func (s *Stripe) findKey(key keyHash, t int64) *kept {
	if k := s.keys[key]; k != nil && t-k.Created < s.opt.KeyLife.Milliseconds() {
		return k
	}
	return nil
}

// pruneKeys forgets answers whose time is over.
func (s *Stripe) pruneKeys(t int64) {
	n := 0
	for n < len(s.keyAge) && t-s.keyAge[n].Created >= s.opt.KeyLife.Milliseconds() {
		if k := s.keyAge[n]; s.keys[k.Key] == k {
			delete(s.keys, k.Key)
		}
		s.keyAge[n] = nil
		n++
	}
	s.keyAge = s.keyAge[n:]
}

// meetKey answers a request whose key was used before: with the first answer, with a refusal if the request is another
// one, or with a conflict while the first has not finished.
func (s *Stripe) meetKey(p *Pending, t int64) (done bool) {
	k := s.findKey(*p.key, t)
	if k == nil {
		if _, busy := s.inFlight[*p.key]; !busy {
			return false
		}
		s.conflicts++
		e := &apiError{
			Status: http.StatusConflict, Type: typeInvalidRequest, Code: "idempotency_key_in_use",
			Message: "There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, " +
				"and the other request is still going through). Please try again later.",
		}
		p.resp.refuse(e)
		s.spoil(p, t)
		return true
	}
	if k.Print != p.print {
		p.resp.refuse(&apiError{
			Status: http.StatusBadRequest, Type: typeIdempotency,
			Message: "Keys for idempotent requests can only be used with the same parameters they were first used with. " +
				"Try using another key if you meant to execute a different request.",
		})
	} else {
		s.replayed++
		p.resp.set(k.answer())
		p.resp.Replayed, p.resp.OriginalRequest, p.resp.after = true, k.Request, k.pos
	}
	s.spoil(p, t)
	return true
}
