package standin

import (
	"context"
	"errors"
	"net"
	"testing"
)

func TestReservedPortIsNotGivenTwice(t *testing.T) {
	first, err := reserve(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reserve(t.Context(), first.number); !errors.Is(err, errPortInUse) {
		t.Errorf("a reserved port: got %v, want errPortInUse", err)
	}
	// The server that it is reserved for can listen.
	listener, err := net.Listen("tcp", first.address())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := reserve(t.Context(), first.number); !errors.Is(err, errPortInUse) {
		t.Errorf("a served port: got %v, want errPortInUse", err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := reserve(t.Context(), first.number)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestReserveEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := reserve(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
