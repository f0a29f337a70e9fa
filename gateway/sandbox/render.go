package sandbox

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// answer is what will be written. Its bytes are made late and outside any lock, from versions that never change, so the
// same answer always has the same bytes.
type answer struct {
	status int
	intent *intent   // one PaymentIntent, or the one that goes with err
	err    *apiError // a refusal
	list   *page
	fixed  string // balance and account
	expand expand
}

// page is one page of a list or of a search.
type page struct {
	data   []*intent
	more   bool
	search bool
	next   string // search: the next page's token
}

// appendJSON writes the answer's body.
func (a *answer) appendJSON(b []byte) []byte {
	switch {
	case a.fixed != "":
		b = append(b, a.fixed...)
	case a.err != nil:
		b = append(b, `{"error":`...)
		b = a.err.appendJSON(b, a.intent, a.expand)
		b = append(b, '}')
	case a.list != nil:
		b = a.list.appendJSON(b, a.expand)
	default:
		b = a.intent.appendJSON(b, a.expand)
	}
	return append(b, '\n')
}

func (p *page) appendJSON(b []byte, x expand) []byte {
	if p.search {
		b = append(b, `{"object":"search_result","url":"/v1/payment_intents/search","next_page":`...)
		b = appendOptional(b, p.next)
	} else {
		b = append(b, `{"object":"list","url":"/v1/payment_intents"`...)
	}
	b = append(b, `,"has_more":`...)
	b = strconv.AppendBool(b, p.more)
	b = append(b, `,"data":[`...)
	for i, pi := range p.data {
		if i > 0 {
			b = append(b, ',')
		}
		b = pi.appendJSON(b, x)
	}
	return append(b, `]}`...)
}

// appendJSON writes error's members. The intent goes with it where Stripe sends it along.
func (e *apiError) appendJSON(b []byte, pi *intent, x expand) []byte {
	b = append(b, '{')
	b = appendMember(b, "charge", e.Charge)
	b = appendMember(b, "code", e.Code)
	b = appendMember(b, "decline_code", e.DeclineCode)
	if e.Code != "" {
		b = append(b, `"doc_url":"https://stripe.com/docs/error-codes/`...)
		// Codes are our own constants: lower case and underscores, nothing to escape.
		at := len(b)
		b = append(b, e.Code...)
		copy(b[at:], bytes.ReplaceAll(b[at:], []byte("_"), []byte("-")))
		b = append(b, `",`...)
	}
	b = appendMember(b, "message", e.Message)
	b = appendMember(b, "param", e.Param)
	if e.WithIntent && pi != nil {
		b = append(b, `"payment_intent":`...)
		b = append(pi.appendJSON(b, x), ',')
	}
	if e.Method != "" {
		b = append(b, `"payment_method":`...)
		b = append(appendMethod(b, e.Method, pi), ',')
	}
	b = append(b, `"type":`...)
	return append(appendText(b, e.Type), '}')
}

// appendJSON writes a PaymentIntent as API version 2023-10-16 has it.
func (i *intent) appendJSON(b []byte, x expand) []byte {
	received := int64(0)
	if i.Status == Succeeded {
		received = i.Amount
	}
	b = append(b, `{"id":`...)
	b = appendText(b, i.ID)
	b = append(b, `,"object":"payment_intent","amount":`...)
	b = strconv.AppendInt(b, i.Amount, 10)
	b = append(b, `,"amount_capturable":0,"amount_details":{"tip":{}},"amount_received":`...)
	b = strconv.AppendInt(b, received, 10)
	b = append(b, `,"application":null,"application_fee_amount":null,"automatic_payment_methods":`...)
	switch {
	case i.Auto && i.NoRedirect:
		b = append(b, `{"allow_redirects":"never","enabled":true}`...)
	case i.Auto:
		b = append(b, `{"allow_redirects":"always","enabled":true}`...)
	default:
		b = append(b, "null"...)
	}
	b = append(b, `,"canceled_at":`...)
	b = appendTime(b, i.CanceledAt)
	b = append(b, `,"cancellation_reason":`...)
	b = appendOptional(b, i.Reason)
	b = append(b, `,"capture_method":"automatic","client_secret":`...)
	b = appendText(b, i.ID+"_secret_"+i.Secret)
	b = append(b, `,"confirmation_method":"automatic","created":`...)
	b = strconv.AppendInt(b, i.Created/1000, 10)
	b = append(b, `,"currency":`...)
	b = appendText(b, i.Currency)
	b = append(b, `,"customer":`...)
	b = appendOptional(b, i.Customer)
	b = append(b, `,"description":`...)
	b = appendOptional(b, i.Description)
	b = append(b, `,"invoice":null,"last_payment_error":`...)
	if i.LastError != nil {
		b = i.LastError.appendJSON(b, nil, 0)
	} else {
		b = append(b, "null"...)
	}
	b = append(b, `,"latest_charge":`...)
	switch {
	case i.Charge == nil:
		b = append(b, "null"...)
	case x&expandCharge != 0:
		b = i.Charge.appendJSON(b, i)
	default:
		b = appendText(b, i.Charge.ID)
	}
	b = append(b, `,"livemode":false,"metadata":`...)
	b = appendMetadata(b, i.Metadata)
	b = append(b, `,"next_action":`...)
	b = i.appendNextAction(b)
	b = append(b, `,"on_behalf_of":null,"payment_method":`...)
	if i.Method != "" && x&expandMethod != 0 {
		b = appendMethod(b, i.Method, i)
	} else {
		b = appendOptional(b, i.Method)
	}
	b = append(b, `,"payment_method_configuration_details":null,"payment_method_options":{`...)
	if i.accepts("card") {
		b = append(b, `"card":{"installments":null,"mandate_options":null,"network":null,"request_three_d_secure":"automatic"}`...)
	}
	b = append(b, `},"payment_method_types":[`...)
	for n, t := range i.Types {
		if n > 0 {
			b = append(b, ',')
		}
		b = appendText(b, t)
	}
	b = append(b, `],"processing":null,"receipt_email":`...)
	b = appendOptional(b, i.Email)
	b = append(b, `,"review":null,"setup_future_usage":`...)
	b = appendOptional(b, i.Setup)
	b = append(b, `,"shipping":null,"source":null,"statement_descriptor":`...)
	b = appendOptional(b, i.Descriptor)
	b = append(b, `,"statement_descriptor_suffix":`...)
	b = appendOptional(b, i.Suffix)
	b = append(b, `,"status":`...)
	b = appendText(b, string(i.Status))
	return append(b, `,"transfer_data":null,"transfer_group":null}`...)
}

func (i *intent) appendNextAction(b []byte) []byte {
	switch {
	case i.Status != RequiresAction:
		return append(b, "null"...)
	case i.ReturnURL != "":
		b = append(b, `{"redirect_to_url":{"return_url":`...)
		b = appendText(b, i.ReturnURL)
		b = append(b, `,"url":`...)
		b = appendText(b, "https://hooks.stripe.com/redirect/authenticate/"+i.ID+"?client_secret="+i.ID+"_secret_"+i.Secret)
		return append(b, `},"type":"redirect_to_url"}`...)
	default:
		return append(b, `{"type":"use_stripe_sdk","use_stripe_sdk":{"type":"three_d_secure_redirect"}}`...)
	}
}

func appendText(b []byte, s string) []byte {
	// Every text has passed the form parser or is ours: valid UTF-8, so the error cannot come.
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

func appendOptional(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return appendText(b, s)
}

// appendMember writes "name":"value", unless the value is empty.
func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, '"')
	b = append(b, name...)
	b = append(b, `":`...)
	return append(appendText(b, value), ',')
}

func appendTime(b []byte, ms int64) []byte {
	if ms == 0 {
		return append(b, "null"...)
	}
	return strconv.AppendInt(b, ms/1000, 10)
}

func appendMetadata(b []byte, metadata []pair) []byte {
	b = append(b, '{')
	for n, p := range metadata {
		if n > 0 {
			b = append(b, ',')
		}
		b = appendText(b, p.K)
		b = append(b, ':')
		b = appendText(b, p.V)
	}
	return append(b, '}')
}
