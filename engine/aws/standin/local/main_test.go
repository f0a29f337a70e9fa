//go:build aws

package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
)

func TestLocalPrintsSettingsServesAndEnds(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"-dynamodb-port", "0", "-sqs-port", "0"}, writer, io.Discard)
		ended <- err
		writer.CloseWithError(err)
	}()
	settings := map[string]string{}
	lines := bufio.NewScanner(reader)
	for len(settings) < 6 && lines.Scan() {
		name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		if !ok || value == "" {
			t.Fatalf("line %q", lines.Text())
		}
		settings[name] = value
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for _, name := range []string{"AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SQS"} {
		address, ok := strings.CutPrefix(settings[name], "http://")
		if !ok {
			t.Fatalf("%s: got %q", name, settings[name])
		}
		addresses = append(addresses, address)
		if !serves(t, address) {
			t.Errorf("%s: nobody serves %s", name, address)
		}
	}
	interrupt()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if serves(t, address) {
			t.Errorf("%s is served after the end", address)
		}
	}
}

func serves(t *testing.T, address string) bool {
	t.Helper()
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	return err == nil && connection.Close() == nil
}
