package gateway

import (
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// APIVersion is the Stripe-Version that the forms are made for, the one of stripe-go v76.
const APIVersion = "2023-10-16"

// Names of the metadata that payonce gives a PaymentIntent, beside the app's own: 7 of the 50 that Stripe takes.
// Source: https://docs.stripe.com/api/metadata
const (
	metaInstallation = "payonce_installation" // which payonce; two of them may share an account
	metaTenant       = "payonce_tenant"
	metaPayment      = "payonce_id"
	metaReference    = "payonce_reference"    // events.ReferenceToken: names the purchase
	metaOrder        = "payonce_order"        // the app's reference, for people and reports
	metaFingerprint  = "payonce_fingerprint"  // 64 hexadecimal digits
	metaAllowRepeat  = "payonce_allow_repeat" // "true", or left out
)

// Forms encodes Stripe's request bodies. It is pure and safe for concurrent use: the same record gives the same bytes
// in every process and release that has the same APIVersion and order of fields. It implements idempotency.Encoder.
//
// Records that have no request (stored by a cancel, or learned from Stripe) have no forms: they encode to nil.
type Forms struct{ Installation uuid.UUID }

var _ idempotency.Encoder = Forms{}

// APIVersion gives the constant of that name.
func (Forms) APIVersion() string { return APIVersion }

// CreateForm is the unconfirmed create. It moves no money: what belongs to a confirmation (return_url, off_session)
// is refused by Stripe without one and left to ConfirmForm.
// Cards only, by name: this API version otherwise turns automatic payment methods on, and those refuse a confirm
// without a return_url.
// Source: https://docs.stripe.com/api/payment_intents/create?api-version=2023-10-16
func (f Forms) CreateForm(r idempotency.Record) []byte {
	if r.Request == nil {
		return nil
	}
	var b form
	f.create(&b, &r)
	return b.bytes
}

// ConfirmForm is the confirm of an intent that CreateForm created.
// Source: https://docs.stripe.com/api/payment_intents/confirm?api-version=2023-10-16
func (f Forms) ConfirmForm(r idempotency.Record) []byte {
	if r.Request == nil {
		return nil
	}
	var b form
	b.add("payment_method", r.Request.PaymentMethod)
	f.confirm(&b, r.Request)
	return b.bytes
}

// CreateConfirmForm is both in one request.
func (f Forms) CreateConfirmForm(r idempotency.Record) []byte {
	if r.Request == nil {
		return nil
	}
	var b form
	f.create(&b, &r)
	b.add("confirm", "true")
	f.confirm(&b, r.Request)
	return b.bytes
}

func (f Forms) create(b *form, r *idempotency.Record) {
	p := r.Request
	b.bytes = make([]byte, 0, 1024)
	b.add("amount", strconv.FormatInt(p.Amount.Minor, 10))
	b.add("currency", strings.ToLower(string(p.Amount.Currency)))
	b.add("payment_method_types[]", "card")
	b.some("payment_method", p.PaymentMethod)
	b.some("customer", p.Customer)
	b.some("description", p.Description)
	b.some("setup_future_usage", p.SetupFutureUsage)
	b.some("statement_descriptor_suffix", p.StatementDescriptorSuffix)
	for _, name := range slices.Sorted(maps.Keys(p.Metadata)) {
		// Validation keeps our names out of an app's metadata; here it must not depend on that.
		if !strings.HasPrefix(name, events.ReservedMetadata) {
			b.meta(name, p.Metadata[name])
		}
	}
	b.meta(metaInstallation, f.Installation.String())
	b.meta(metaTenant, r.Tenant)
	b.meta(metaPayment, r.ID.String())
	if r.Reference != "" {
		b.meta(metaReference, events.ReferenceToken(r.Tenant, r.Reference))
		b.meta(metaOrder, r.Reference)
	}
	b.meta(metaFingerprint, hex.EncodeToString(r.Fingerprint[:]))
	if r.AllowRepeat {
		b.meta(metaAllowRepeat, "true")
	}
}

func (f Forms) confirm(b *form, p *events.Payment) {
	b.some("return_url", p.ReturnURL)
	if p.OffSession {
		b.add("off_session", "true")
	}
	b.add("expand[]", "latest_charge")
}

// form is an application/x-www-form-urlencoded body in the making.
type form struct{ bytes []byte }

func (b *form) add(name, value string) {
	if len(b.bytes) > 0 {
		b.bytes = append(b.bytes, '&')
	}
	b.bytes = append(b.bytes, name...) // our own names need no escape: Stripe takes brackets as they are
	b.bytes = append(b.bytes, '=')
	b.escape(value)
}

func (b *form) some(name, value string) {
	if value != "" {
		b.add(name, value)
	}
}

// meta adds an entry of the metadata. An empty value would unset the entry, which is the same as no entry.
func (b *form) meta(name, value string) {
	if value == "" {
		return
	}
	if len(b.bytes) > 0 {
		b.bytes = append(b.bytes, '&')
	}
	b.bytes = append(b.bytes, "metadata["...)
	b.escape(name)
	b.bytes = append(b.bytes, "]="...)
	b.escape(value)
}

// escape is url.QueryEscape without its intermediate string.
func (b *form) escape(s string) {
	const hexDigits = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' || c == '.' || c == '~':
			b.bytes = append(b.bytes, c)
		case c == ' ':
			b.bytes = append(b.bytes, '+')
		default:
			b.bytes = append(b.bytes, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
}
