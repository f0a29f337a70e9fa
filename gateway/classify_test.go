package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

var testInstallation = uuid.MustParse("6ba7b810-9dad-41d1-80b4-00c04fd430c8")

func rewrite() bool { return flag.Lookup("update").Value.String() == "true" }

// recorded reads a file of testdata/classify: a line that names the call, then the answer as it came over the wire.
// The first line is: the kind of call, then any of "keyed", "unsent", "withheld".
func recorded(t testing.TB, file []byte) *exchange {
	t.Helper()
	first, rest, _ := bytes.Cut(file, []byte("\n"))
	words := strings.Fields(string(first))
	x := &exchange{now: time.Now}
	for k := idempotency.CallCreate; k <= idempotency.CallCancel; k++ {
		if k.String() == words[0] {
			x.kind = k
		}
	}
	if x.kind == 0 {
		t.Fatalf("unknown kind %q", words[0])
	}
	x.keyed = slices.Contains(words, "keyed")
	if slices.Contains(words, "unsent") {
		x.sought.Store(true)
	}
	if slices.Contains(words, "withheld") {
		x.withheld.Store(true)
		x.lease = 1 // long ago
	}
	if len(bytes.TrimSpace(rest)) == 0 {
		x.err = errors.New("no answer")
		return x
	}
	x.got.Store(true)
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(rest)), nil)
	if err != nil {
		t.Fatal(err)
	}
	x.status, x.header = resp.StatusCode, resp.Header
	x.body, x.err = io.ReadAll(resp.Body)
	x.whole = x.err == nil
	if err := resp.Body.Close(); err != nil && x.whole {
		t.Fatal(err)
	}
	return x
}

// shown is an answer as the golden files have it.
type shown struct {
	Row         string
	Class       string
	Status      int
	Code        string              `json:",omitzero"`
	DeclineCode string              `json:",omitzero"`
	Message     string              `json:",omitzero"`
	RequestID   string              `json:",omitzero"`
	Replayed    bool                `json:",omitzero"`
	Failure     *events.Failure     `json:",omitzero"`
	Intent      *idempotency.Intent `json:",omitzero"`
}

// Every row of the table has an answer that it decides, and each answer is pinned.
func TestTable(t *testing.T) {
	files, err := filepath.Glob("testdata/classify/*.http")
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded answers", err)
	}
	hit := map[string]int{}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".http"), func(t *testing.T) {
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			x := recorded(t, file)
			r := x.read(testInstallation, func(b []byte) (*idempotency.Intent, error) { return decodeIntent(b, testInstallation) })
			a := x.answer(testInstallation)
			row := r.judge().name
			hit[row]++
			out := shown{row, a.Class.String(), a.Status, a.Code, a.DeclineCode, a.Message, a.RequestID, a.Replayed, a.Failure, a.Intent}
			got, err := json.Marshal(out, jsontext.WithIndent("  "), json.Deterministic(true))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			name := strings.TrimSuffix(path, ".http") + ".golden"
			if rewrite() {
				if err := os.WriteFile(name, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(want, got) {
				t.Errorf("%s differs (run with -update to accept)\n got: %s\nwant: %s", name, got, want)
			}
		})
	}
	for _, row := range table {
		if hit[row.name] == 0 {
			t.Errorf("no recorded answer is decided by the row %q", row.name)
		}
	}
}

// What no answer may ever be, whatever bytes come: a proof that it is not.
func FuzzClassify(f *testing.F) {
	files, err := filepath.Glob("testdata/classify/*.http")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		file, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if x := recorded(f, file); x.whole {
			f.Add(uint8(x.kind), x.keyed, x.status, x.body)
		}
	}
	card := "4242 4242" + " 4242 4242" // a test number
	f.Add(uint8(idempotency.CallConfirm), true, 402, []byte(`{"error":{"type":"card_error","message":"`+card+`","code":"`+card+`"}}`))
	f.Fuzz(func(t *testing.T, kind uint8, keyed bool, status int, body []byte) {
		x := &exchange{
			kind: idempotency.CallKind(kind), keyed: keyed, status: status, header: http.Header{}, body: body, whole: true,
		}
		x.got.Store(true)
		a := x.answer(testInstallation)
		var any struct {
			Error jsontext.Value `json:"error"`
		}
		object := json.Unmarshal(body, &any, lenient) == nil
		switch {
		case a.Class == 0:
			t.Fatal("not classified")
		case !object && a.Class != idempotency.AnswerNone:
			t.Fatalf("%s from something that is not JSON", a.Class)
		case a.Class == idempotency.AnswerIntent && (status < 200 || status > 299 || a.Intent == nil):
			t.Fatalf("an intent out of a %d", status)
		case a.Class == idempotency.AnswerUnexpectedState && a.Intent == nil:
			t.Fatal("a state that is not shown")
		case a.Class == idempotency.AnswerNotSent || a.Class == idempotency.AnswerNothing || a.Class == idempotency.AnswerOther:
			t.Fatalf("%s from an answer", a.Class)
		case (a.Class == idempotency.AnswerDeclined || a.Class == idempotency.AnswerInvalid) != (a.Failure != nil):
			t.Fatalf("%s with failure %v", a.Class, a.Failure)
		case a.Class == idempotency.AnswerStored500 && !keyed:
			t.Fatal("stored without a key")
		}
		if len(a.Message) > MaxMessage || events.CardNumberInText([]byte(a.Message+a.Code+a.DeclineCode)) {
			t.Fatalf("message %q", a.Message)
		}
		if i := a.Intent; i != nil {
			if !isIntentID(i.ID) || i.Amount.Minor <= 0 || i.Amount.Currency == "" || !knownStatus(i.Status) {
				t.Fatalf("intent %+v", i)
			}
			if i.LastError != nil && (len(i.LastError.Message) > MaxMessage || events.CardNumberInText([]byte(i.LastError.Message))) {
				t.Fatalf("message %q", i.LastError.Message)
			}
		}
	})
}

func FuzzPage(f *testing.F) {
	f.Add([]byte(`{"object":"list","data":[],"has_more":false,"url":"/v1/payment_intents"}`))
	f.Add([]byte(`{"object":"list","data":[{"id":"pi_1","metadata":{},"latest_charge":null}],"has_more":true}`))
	f.Add([]byte(`{"object":"list","data":null,"has_more":true}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := decodePage(body)
		if err != nil {
			if !errors.Is(err, errUnreadable) || p.intents != nil {
				t.Fatal(err)
			}
			return
		}
		if p.more && len(p.intents) == 0 {
			t.Fatal("more of nothing")
		}
	})
}

func TestSentence(t *testing.T) {
	card := "4242 4242" + " 4242 4242" // a test number
	for in, want := range map[string]string{
		"Your card was declined.": "Your card was declined.",
		"No such card: " + card:   "No such card: [redacted]",
		"a\nb\x00c":               "a b c",
		"bad \xff text":           "bad ? text",
	} {
		if got := sentence(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	// A number across the cut is redacted before it is cut.
	if got := sentence(strings.Repeat("x", MaxMessage-9) + " " + card); strings.Contains(got, "4242") || len(got) > MaxMessage {
		t.Errorf("%q", got)
	}
	if got := sentence(strings.Repeat("é", MaxMessage)); len(got) != MaxMessage || !strings.HasSuffix(got, "é") {
		t.Errorf("cut inside of a rune: %d bytes", len(got))
	}
}

func TestToken(t *testing.T) {
	for in, want := range map[string]string{
		"card_declined": "card_declined", "pi_3Nabc": "pi_3Nabc", "": "", "a b": "", "a/b": "", "pi_../x": "", "4242" + "424242424242": "",
		"é": "", strings.Repeat("a", 256): "",
	} {
		if got := token(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
