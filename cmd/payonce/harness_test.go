package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/payonce/payonce/client"
)

var update = flag.Bool("update", false, "write golden files anew")

// testVersion is what the program under test says of itself.
var testVersion = versionInfo{Version: "v0.0.0-test", Commit: "none", Go: "go", OS: "os", Arch: "arch"}

// output is a writer that is read while it is written to.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// result is what a command line came to.
type result struct {
	code     int
	out, err string
}

// payonce runs one command line to its end, in this process.
func payonce(t *testing.T, environ []string, args ...string) result {
	t.Helper()
	var out, errs output
	a := &app{in: strings.NewReader(""), out: &out, err: &errs, environ: environ, version: testVersion}
	code := a.run(t.Context(), args)
	return result{code: code, out: out.String(), err: errs.String()}
}

// want fails the test unless the command ended with a code.
func (r result) want(t *testing.T, code int) result {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d, want %d\nout: %s\nerr: %s", r.code, code, r.out, r.err)
	}
	return r
}

func (r result) json(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.out), into); err != nil {
		t.Fatalf("%v in %s", err, r.out)
	}
}

// running is a server in this process.
type running struct {
	t       *testing.T
	server  *server
	data    string
	out     *output
	errs    *output
	cancel  context.CancelFunc
	ended   chan int // its exit code
	environ []string // for commands that speak to it
}

// run starts a command that serves, and waits until it does. It is stopped at the end of the test if it still runs.
func run(t *testing.T, environ []string, args ...string) *running {
	t.Helper()
	r, code := tryRun(t, environ, args...)
	if r.server == nil {
		t.Fatalf("it ended with %d: %s", code, r.errs)
	}
	return r
}

// tryRun is run for a server that may refuse to start: then its server is nil.
func tryRun(t *testing.T, environ []string, args ...string) (*running, int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r := &running{t: t, out: &output{}, errs: &output{}, cancel: cancel, ended: make(chan int, 1)}
	ready := make(chan *server, 1)
	a := &app{in: strings.NewReader(""), out: r.out, err: r.errs, environ: environ, version: testVersion, onReady: func(s *server) { ready <- s }}
	go func() { r.ended <- a.run(ctx, args) }()
	select {
	case code := <-r.ended:
		r.ended <- code // for end
		cancel()
		return r, code
	case r.server = <-ready:
	}
	r.data = r.server.settings.Data
	r.environ = []string{"PAYONCE_URL=" + r.server.url(), "PAYONCE_DATA=" + r.data}
	t.Cleanup(func() {
		cancel()
		r.stop()
	})
	return r, 0
}

// stop asks the server to end, as a signal does, and gives its exit code.
func (r *running) stop() int {
	r.cancel()
	return r.end()
}

// end waits until the server has ended by itself, and gives its exit code.
func (r *running) end() int {
	code := <-r.ended
	r.ended <- code // for whoever asks again
	return code
}

// dev starts payonce dev on free ports.
func dev(t *testing.T, data string, args ...string) *running {
	t.Helper()
	return run(t, nil, append([]string{"dev", "--data", data, "--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0", "--trace-ratio", "0"}, args...)...)
}

func (r *running) client() *client.Client {
	r.t.Helper()
	c, err := client.New(r.server.url(), readDevKey(r.data))
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// final submits a payment and follows it to its end.
func (r *running) final(key string, p client.PaymentRequest) *client.Payment {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	c := r.client()
	got, err := c.Submit(ctx, key, p)
	if err != nil {
		r.t.Fatal(err)
	}
	for now, err := range c.Watch(ctx, got.ID) {
		if err != nil {
			r.t.Fatal(err)
		}
		got = now
	}
	return got
}

func visa(reference string) client.PaymentRequest {
	return client.PaymentRequest{Amount: 1999, Currency: "eur", PaymentMethod: "pm_card_visa", Reference: reference}
}

// golden compares with a file under testdata, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs; go test ./cmd/payonce -run %s -update writes it anew\ngot:\n%s", path, t.Name(), got)
	}
}
