package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/payonce/payonce/client"
)

const tenant = "crash"

// house is what the test has built: a folder, a stand-in, a server that comes and goes, a key.
type house struct {
	options
	sandbox *process
	server  *process
	listen  string // the server's address, the same after each start
	api     *client.Client
	starts  atomic.Int64
}

func (h *house) data() string { return filepath.Join(h.dir, "data") }

// environ is the environment without any setting of payonce's that happens to be there.
func environ(more ...string) []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "PAYONCE_") && !strings.HasPrefix(e, "STRIPE_") {
			env = append(env, e)
		}
	}
	return append(env, more...)
}

func (h *house) start(ctx context.Context) error {
	var err error
	h.sandbox, err = launch(ctx, h.payonce, []string{
		"sandbox", "--listen", "127.0.0.1:0", "--file", filepath.Join(h.dir, "sandbox.journal"),
		"--lost", "0.02", "--stored-500", "0.01", "--busy", "0.01", "--seed", strconv.FormatUint(h.seed, 10),
	}, environ(), filepath.Join(h.dir, "sandbox.log"))
	if err != nil {
		return err
	}
	out, err := h.command(ctx, "keys", "create", "--tenant", tenant, "--principal", "load", "--data", h.data(), "--json")
	if err != nil {
		return err
	}
	var key struct {
		Secret string `json:"secret"`
	}
	if err := json.Unmarshal(out, &key); err != nil {
		return fmt.Errorf("read the key: %w", err)
	}
	h.listen = "127.0.0.1:0"
	if err := h.startServer(ctx); err != nil {
		return err
	}
	h.listen = strings.TrimPrefix(h.server.url, "http://")
	h.api, err = newClient(h.server.url, key.Secret)
	return err
}

// startServer starts the server, on the address that it had before.
func (h *house) startServer(ctx context.Context) error {
	h.starts.Add(1)
	p, err := launch(ctx, h.payonce, []string{
		"serve", "--data", h.data(), "--listen", h.listen, "--stripe-url", h.sandbox.url,
		"--stripe-timeout", "5s", "--visibility", "30s", "--lease", "20s", "--janitor-interval", "200ms", "--log-level", "warn",
	}, environ("STRIPE_API_KEY=sk_test_crash"), filepath.Join(h.dir, "serve.log"))
	if err != nil {
		return err
	}
	h.server = p
	return nil
}

// command runs payonce to its end and gives its standard output. A *exec.ExitError carries the exit code.
func (h *house) command(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, h.payonce, args...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = environ(), &out, &errs
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("payonce %s: %w: %s", strings.Join(args[:2], " "), err, strings.TrimSpace(errs.String()))
	}
	return out.Bytes(), nil
}

// close ends what still runs.
func (h *house) close() error {
	var errs []error
	for _, p := range []*process{h.server, h.sandbox} {
		if p == nil {
			continue
		}
		select {
		case <-p.done:
		default:
			errs = append(errs, p.kill())
		}
	}
	return errors.Join(errs...)
}
