package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
)

func testOutcomes(t *testing.T) map[string]Outcome {
	at := time.Date(2024, 11, 18, 9, 30, 0, 123_456_789, time.FixedZone("CET", 3600))
	base := Outcome{
		Payment: PaymentID(testInstallation, "acme", mustKey(t, "order-17")), Tenant: "acme", Version: 7, At: at,
		Amount: Money{1000, "EUR"}, Attempts: 1,
	}
	succeeded, failed, action := base, base, base
	succeeded.State, succeeded.Captured, succeeded.Reference = "succeeded", 1000, "order-17"
	succeeded.Intent, succeeded.Charge = "pi_1", "ch_1"
	succeeded.Card = &Card{"visa", "4242", 12, 2027}
	failed.State, failed.Attempts = "failed", 3
	failed.Failure = &Failure{"card_declined", "insufficient_funds", "Card " + testCards["visa"] + " has insufficient funds.", "Ask for another card."}
	action.State, action.NextAction, action.Intent = "requires_action", "redirect_to_url", "pi_2"
	return map[string]Outcome{"succeeded": succeeded, "failed": failed, "requires_action": action}
}

func TestCloudEventGolden(t *testing.T) {
	for name, o := range testOutcomes(t) {
		event, err := o.CloudEvent("/payonce/6f1d1a52")
		if err != nil {
			t.Fatal(err)
		}
		if CardNumberInText(event) {
			t.Errorf("%s: a card number left", name)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, event, "", "  "); err != nil {
			t.Fatal(err)
		}
		golden(t, "event_"+name+".golden.json", append(pretty.Bytes(), '\n'))
	}
}

func TestCloudEventRefuses(t *testing.T) {
	good := testOutcomes(t)["succeeded"]
	noPayment, noState, noTime := good, good, good
	noPayment.Payment, noState.State, noTime.At = ID{}, "", time.Time{}
	for name, o := range map[string]Outcome{"payment": noPayment, "state": noState, "time": noTime} {
		if _, err := o.CloudEvent("/x"); !errors.Is(err, ErrOutcome) {
			t.Errorf("no %s: %v", name, err)
		}
	}
	for _, source := range []string{"", "%zz", "http://[::1"} {
		if _, err := good.CloudEvent(source); !errors.Is(err, ErrSource) {
			t.Errorf("source %q: %v", source, err)
		}
	}
}

func TestEventID(t *testing.T) {
	o := testOutcomes(t)["succeeded"]
	later := o
	later.At, later.Attempts = o.At.Add(time.Hour), 9
	if o.EventID() != later.EventID() {
		t.Error("publishing later gives another id")
	}
	if _, err := uuid.Parse(o.EventID()); err != nil {
		t.Error(err)
	}
	version, state, payment := o, o, o
	version.Version++
	state.State = "failed"
	payment.Payment[0]++
	for name, other := range map[string]Outcome{"version": version, "state": state, "payment": payment} {
		if other.EventID() == o.EventID() {
			t.Errorf("another %s gives the same id", name)
		}
	}
}

func TestOutcomeSurvivesCBOR(t *testing.T) {
	mode, err := cbor.EncOptions{Sort: cbor.SortCoreDeterministic, Time: cbor.TimeRFC3339NanoUTC}.EncMode()
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range testOutcomes(t) {
		stored, err := mode.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		var back Outcome
		if err := cbor.Unmarshal(stored, &back); err != nil {
			t.Fatal(err)
		}
		want, err := o.CloudEvent("/x")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := back.CloudEvent("/x"); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes give %s, %v", name, len(stored), got, err)
		}
		if back.Tenant != o.Tenant || back.Version != o.Version {
			t.Errorf("%s: %+v", name, back)
		}
	}
}
