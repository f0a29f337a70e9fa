package sandbox

// Status is a PaymentIntent's status (https://docs.stripe.com/payments/paymentintents/lifecycle).
type Status string

// The statuses that a PaymentIntent of the sandbox can have. requires_capture does not occur: manual capture is refused.
const (
	RequiresPaymentMethod Status = "requires_payment_method"
	RequiresConfirmation  Status = "requires_confirmation"
	RequiresAction        Status = "requires_action"
	Processing            Status = "processing"
	Succeeded             Status = "succeeded"
	Canceled              Status = "canceled"
)

var statuses = [...]Status{RequiresPaymentMethod, RequiresConfirmation, RequiresAction, Processing, Succeeded, Canceled}

// pair is one metadata entry. Metadata is kept sorted by key, so that one request has one form.
type pair struct {
	_ struct{} `cbor:",toarray"`
	K string
	V string
}

func lookup(metadata []pair, key string) string {
	for _, p := range metadata {
		if p.K == key {
			return p.V
		}
	}
	return ""
}

// intent is one version of a PaymentIntent. A version is never changed once it is in an entry: answers that are still to
// be written, and those kept under idempotency keys, point at it.
type intent struct {
	ID          string    `cbor:"1,keyasint"`
	Account     string    `cbor:"2,keyasint"`
	Secret      string    `cbor:"3,keyasint"` // what follows _secret_ in client_secret
	Amount      int64     `cbor:"4,keyasint"` // minor units
	Currency    string    `cbor:"5,keyasint"` // lower case
	Status      Status    `cbor:"6,keyasint"`
	Created     int64     `cbor:"7,keyasint"` // ms
	Indexed     int64     `cbor:"8,keyasint"` // ms; when it began to exist, which is later than Created after a roll forward
	Customer    string    `cbor:"9,keyasint,omitempty"`
	Description string    `cbor:"10,keyasint,omitempty"`
	Metadata    []pair    `cbor:"11,keyasint,omitempty"`
	Descriptor  string    `cbor:"12,keyasint,omitempty"`
	Suffix      string    `cbor:"13,keyasint,omitempty"`
	Email       string    `cbor:"14,keyasint,omitempty"`
	Setup       string    `cbor:"15,keyasint,omitempty"` // setup_future_usage
	ReturnURL   string    `cbor:"16,keyasint,omitempty"`
	Types       []string  `cbor:"17,keyasint"`
	Auto        bool      `cbor:"18,keyasint,omitempty"` // automatic_payment_methods
	NoRedirect  bool      `cbor:"19,keyasint,omitempty"` // allow_redirects=never
	Method      string    `cbor:"20,keyasint,omitempty"`
	LastError   *apiError `cbor:"21,keyasint,omitempty"`
	Charge      *charge   `cbor:"22,keyasint,omitempty"` // the latest, paid or refused
	Attempts    int       `cbor:"23,keyasint,omitempty"` // confirmations that reached the card
	CanceledAt  int64     `cbor:"24,keyasint,omitempty"` // ms
	Reason      string    `cbor:"25,keyasint,omitempty"` // cancellation_reason

	pos uint64 // journal position of this version; an answer that shows it waits until that is durable
}

// charge is one try at moving money.
type charge struct {
	ID       string   `cbor:"1,keyasint"`
	Intent   string   `cbor:"2,keyasint"`
	Account  string   `cbor:"3,keyasint"`
	Amount   int64    `cbor:"4,keyasint"`
	Currency string   `cbor:"5,keyasint"`
	Created  int64    `cbor:"6,keyasint"` // ms
	Method   string   `cbor:"7,keyasint"`
	Metadata []pair   `cbor:"8,keyasint,omitempty"`
	Refused  *refusal `cbor:"9,keyasint,omitempty"` // nil: paid
}

// refusal is why a charge was not paid.
type refusal struct {
	Code        string `cbor:"1,keyasint"`
	DeclineCode string `cbor:"2,keyasint"`
	Message     string `cbor:"3,keyasint"`
	Blocked     bool   `cbor:"4,keyasint,omitempty"`
}

// accepts says whether the intent takes a payment method of that type.
func (i *intent) accepts(typ string) bool {
	for _, t := range i.Types {
		if t == typ {
			return true
		}
	}
	return false
}
