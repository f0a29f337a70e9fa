package standin

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// farAway is the bound of waits that end long before it unless something is broken.
const farAway = time.Minute

// sleeper is a program that runs until it is killed.
var sleeper = []string{"sleep", "3600"}

func TestStopEndsTheProgramAndLeavesNoGoroutine(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	defer goleak.VerifyNone(t)
	server, err := run(t.Context(), "test", sleeper)
	if err != nil {
		t.Fatal(err)
	}
	server.port = io.NopCloser(nil)
	if ended, err := server.ended(time.Millisecond); ended || err != nil {
		t.Fatalf("ended: got %v, %v before the stop", ended, err)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
}

func TestProgramThatEndsEarlyIsNoticedWithItsLog(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	command := func(int) ([]string, error) { return []string{"/bin/sh", "-c", "echo broken; exit 3"}, nil }
	refuse := func(context.Context, string) error { return errors.New("refused") }
	_, err := start(t.Context(), "test", 0, command, refuse)
	if !errors.Is(err, errEnded) {
		t.Fatalf("got %v, want errEnded", err)
	}
	_, path, _ := strings.Cut(err.Error(), "its log: ")
	log, err := os.ReadFile(path)
	if err != nil || string(log) != "broken\n" {
		t.Fatalf("log: got %q, %v", log, err)
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	t.Setenv("TMPDIR", t.TempDir())
	command := func(int) ([]string, error) { return sleeper, nil }
	refuse := func(context.Context, string) error { cancel(); return errors.New("refused") }
	_, err := start(ctx, "test", 0, command, refuse)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
}

// The test binary runs itself as the parent of a program, is killed, and sees the program end: the pipe that the
// program holds meets its end.
func TestProgramEndsWhenItsParentIsKilled(t *testing.T) {
	if os.Getenv("STANDIN_TEST_PARENT") != "" {
		server, err := run(t.Context(), "test", []string{"/bin/sh", "-c", "echo started >&5; exec sleep 3600"})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = server.life.Read(make([]byte, 1)) // for ever
		return
	}
	t.Setenv("TMPDIR", t.TempDir())
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	parent := exec.Command(os.Args[0], "-test.run=^TestProgramEndsWhenItsParentIsKilled$")
	parent.Env = append(os.Environ(), "STANDIN_TEST_PARENT=1")
	parent.ExtraFiles = []*os.File{nil, nil, writer} // descriptor 5, which the program inherits
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := reader.SetReadDeadline(time.Now().Add(farAway)); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(reader)
	if line, err := lines.ReadString('\n'); err != nil {
		t.Fatalf("start: got %q, %v", line, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := parent.Wait(); err == nil {
		t.Fatal("the parent ended by itself")
	}
	if _, err := lines.ReadByte(); !errors.Is(err, io.EOF) {
		t.Fatalf("the program did not end: %v", err)
	}
}
