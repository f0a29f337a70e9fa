package events

// Limits of a payment's members. Text lengths count Unicode code points.
const (
	MaxReference       = 128
	MaxDescription     = 1000
	MaxMetadata        = 40 // entries; Stripe takes 50, the rest is ours
	MaxMetadataName    = 40
	MaxMetadataValue   = 500
	MaxReturnURL       = 2048 // bytes
	MaxStatementSuffix = 22
	MaxStripeID        = 255 // bytes
)

// ReservedMetadata begins the metadata names that payonce sets itself.
const ReservedMetadata = "payonce_"

// Payment is a validated payment event: what an app asked for. Its JSON form
// is the request body, amount and currency side by side.
// Empty strings and a nil Metadata mean that the member was left out.
type Payment struct {
	// Amount becomes the members amount (1 to MaxAmount) and currency.
	Amount Money `json:",inline" cbor:"1,keyasint"`
	// PaymentMethod is a Stripe payment method, pm_...
	PaymentMethod string `json:"payment_method" cbor:"2,keyasint"`
	// Customer is a Stripe customer, cus_...
	Customer string `json:"customer" cbor:"3,keyasint,omitempty"`
	// Reference names the purchase, an order number for example: of all
	// payments with one reference at most one is charged.
	Reference   string `json:"reference" cbor:"4,keyasint,omitempty"`
	Description string `json:"description" cbor:"5,keyasint,omitempty"`
	// Metadata goes to Stripe as it is.
	Metadata map[string]string `json:"metadata" cbor:"6,keyasint,omitempty"`
	// ReturnURL is an absolute http or https URL.
	ReturnURL string `json:"return_url" cbor:"7,keyasint,omitempty"`
	// OffSession says that the customer is not there to authenticate.
	OffSession bool `json:"off_session" cbor:"8,keyasint,omitempty"`
	// SetupFutureUsage is "", "on_session" or "off_session".
	SetupFutureUsage string `json:"setup_future_usage" cbor:"9,keyasint,omitempty"`
	// StatementDescriptorSuffix is what the customer's statement shows.
	StatementDescriptorSuffix string `json:"statement_descriptor_suffix" cbor:"10,keyasint,omitempty"`
	// AllowRepeat lifts the protection of the reference for this payment.
	AllowRepeat bool `json:"allow_repeat" cbor:"11,keyasint,omitempty"`
}
