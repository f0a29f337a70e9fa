package config

import "time"

// Settings are all there are. The tags are the documentation: `name` is the key in the YAML file (as a flag with dashes,
// in the environment in capitals after PAYONCE_), `default` the default as text, `help` a sentence, `for` who reads it:
// server (serve and dev), dev, client, or all. `flag:"-"` keeps a setting off the command line, which other users of the
// machine can read.
type Settings struct {
	Engine string `name:"engine" default:"embedded" for:"server" help:"where payments are kept: embedded (one SQLite file in the data folder) or aws (DynamoDB and SQS, for more than one machine; preview)"`
	Data   string `name:"data" default:"./data" for:"all" help:"data folder"`
	Listen string `name:"listen" default:"127.0.0.1:8080" for:"server" help:"address of the HTTP API; port 0 takes a free one"`

	AWSTable string `name:"aws_table" default:"payonce" for:"server" help:"DynamoDB table of the engine aws"`
	AWSQueue string `name:"aws_queue" default:"payonce-work" for:"server" help:"SQS queue for work of the engine aws"`

	StripeAPIKey  Secret        `name:"stripe_api_key" default:"" for:"server" flag:"-" help:"Stripe secret or restricted key (also read from STRIPE_API_KEY)"`
	StripeURL     string        `name:"stripe_url" default:"https://api.stripe.com" for:"server" help:"base URL of Stripe, or of a stand-in"`
	StripeAccount string        `name:"stripe_account" default:"" for:"server" help:"account that the key is of, acct_...; needed only with a restricted key that may not read its account"`
	StripeRate    float64       `name:"stripe_rate" default:"0" for:"server" help:"most charging requests per second to Stripe; 0 takes what Stripe allows (80 live, 20 test; elsewhere no bound)"`
	StripeTimeout time.Duration `name:"stripe_timeout" default:"30s" for:"server" help:"how long one Stripe request may take"`

	ChargeMode     string   `name:"charge_mode" default:"two_steps" for:"server" help:"two_steps (create, then confirm; safe whatever pauses) or one_step (one request less; rests on bounded pauses)"`
	OneStepTenants []string `name:"one_step_tenants" default:"" for:"server" help:"tenants charged in one step while charge_mode is two_steps"`

	Workers         int           `name:"workers" default:"64" for:"server" help:"payments worked on at once"`
	Visibility      time.Duration `name:"visibility" default:"60s" for:"server" help:"how long a message stays hidden between two heartbeats of its worker"`
	Lease           time.Duration `name:"lease" default:"90s" for:"server" help:"how long a worker's claim on a payment lasts"`
	MaxBacklog      int           `name:"max_backlog" default:"1000000" for:"server" help:"payments that may wait before new ones are answered 503; 0 sets no bound"`
	MaxAttempts     int           `name:"max_attempts" default:"3" for:"server" help:"charge attempts after declines that Stripe says may be tried again"`
	ActionTimeout   time.Duration `name:"action_timeout" default:"24h" for:"server" help:"how long a payer may take to act (3-D Secure) before the payment is closed"`
	JanitorInterval time.Duration `name:"janitor_interval" default:"1s" for:"server" help:"how often waiting payments that are due are put back to work"`
	EventRetention  time.Duration `name:"event_retention" default:"2160h" for:"server" help:"how long outcome events stay in the feed"`
	DrainTimeout    time.Duration `name:"drain_timeout" default:"35s" for:"server" help:"how long a stop waits for requests and for work under way, each"`

	LogLevel     string  `name:"log_level" default:"info" for:"server" help:"debug, info, warn or error"`
	OTLPEndpoint string  `name:"otlp_endpoint" default:"" for:"server" help:"URL of an OpenTelemetry collector (OTLP over HTTP); empty sends no traces"`
	TraceRatio   float64 `name:"trace_ratio" default:"0.01" for:"server" help:"share of requests that are traced, 0 to 1, where the caller has not decided"`

	SandboxListen string `name:"sandbox_listen" default:"127.0.0.1:12111" for:"dev" help:"address of the Stripe stand-in that dev starts"`
	DevKey        Secret `name:"dev_key" default:"" for:"dev" help:"development API key to use instead of the one in the data folder"`

	URL    string `name:"url" default:"http://127.0.0.1:8080" for:"client" help:"address of the payonce API"`
	APIKey Secret `name:"api_key" default:"" for:"client" help:"API key; without one, the development key in the data folder is used if there is one"`
}

// Values of Engine and ChargeMode.
const (
	EngineEmbedded = "embedded"
	EngineAWS      = "aws"
	TwoSteps       = "two_steps"
	OneStep        = "one_step"
)
