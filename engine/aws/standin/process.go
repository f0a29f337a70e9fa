package standin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// guardScript runs its arguments as a program and kills it when the script's input ends. The input is a pipe that this
// process holds open and never writes to, so it ends when this process does, however that happens; and no signal of one
// operating system is needed. The program itself is given neither the pipe nor the terminal.
const guardScript = `
exec 4<&0
"$@" </dev/null 4<&- &
child=$!
{ read -r _ <&4; kill -9 $child; } 2>/dev/null 3>&- &
watch=$!
wait $child
code=$?
kill -9 $watch 2>/dev/null
exit $code
`

// run starts a program under the guard script, with its output in a temporary file. No goroutine is left behind, so
// that tests may look for leaked ones.
func run(ctx context.Context, name string, arguments []string) (server *Server, err error) {
	log, err := os.CreateTemp("", "payonce-"+name+"-*.log")
	if err != nil {
		return nil, fmt.Errorf("make a log: %w", err)
	}
	defer func() { err = errors.Join(err, log.Close()) }()

	// The program inherits the writing end and never writes: the reading end meets the end when the program has ended.
	life, held, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	defer func() { err = errors.Join(err, held.Close()) }()

	ctx = context.WithoutCancel(ctx) // the program outlives its start
	arguments = append([]string{"-c", guardScript, "guard"}, arguments...)
	command := exec.CommandContext(ctx, "/bin/sh", arguments...) //nolint:gosec // the commands are this package's own
	command.Dir = os.TempDir()
	command.Stdout, command.Stderr = log, log
	command.ExtraFiles = []*os.File{held}
	guard, err := command.StdinPipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a pipe: %w", err), life.Close())
	}
	if err := command.Start(); err != nil {
		return nil, errors.Join(err, life.Close())
	}
	return &Server{Log: log.Name(), command: command, guard: guard, life: life}, nil
}

// ended waits up to pause for the end of the program and tells whether it came.
func (s *Server) ended(pause time.Duration) (bool, error) {
	if err := s.life.SetReadDeadline(time.Now().Add(pause)); err != nil {
		return false, fmt.Errorf("watch the stand-in: %w", err)
	}
	_, err := s.life.Read(make([]byte, 1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return false, nil
	case errors.Is(err, io.EOF):
		return true, nil
	default:
		return false, fmt.Errorf("watch the stand-in: %w", err)
	}
}
