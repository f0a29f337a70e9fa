package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a running payonce that serves HTTP.
type process struct {
	cmd  *exec.Cmd
	url  string
	done chan struct{} // closed when it has ended
	err  error         // of its end; read after done

	reading sync.WaitGroup
}

// startBound bounds how long a process may take to serve.
const startBound = 30 * time.Second

// stopBound bounds a clean stop: the time for requests, the time for work under way, and some.
const stopBound = 90 * time.Second

// launch starts payonce and waits until it says on standard output what it serves. Its log is appended to logFile.
// The process does not end with ctx: it is killed or stopped by name.
func launch(ctx context.Context, program string, args, environ []string, logFile string) (*process, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the process has its own
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, args...)
	cmd.Env, cmd.Stderr = environ, log
	// A Ctrl-C at the terminal is for this program alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// An own pipe: exec's would be closed before it was read to its end.
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout = write
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", program, err), read.Close(), write.Close())
	}
	if err := write.Close(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	address := make(chan string, 1)
	p.reading.Go(func() {
		defer func() { _ = read.Close() }()
		lines := bufio.NewScanner(read)
		for lines.Scan() {
			if _, url, ok := strings.Cut(lines.Text(), " serves "); ok {
				address <- strings.TrimSpace(url)
				break
			}
		}
		_, _ = io.Copy(io.Discard, read) // nothing else is wanted of it
	})
	bound := time.NewTimer(startBound)
	defer bound.Stop()
	select {
	case p.url = <-address:
		return p, nil
	case <-p.done:
		return nil, fmt.Errorf("%s %s ended before it served: %w; see %s", program, args[0], p.err, logFile)
	case <-bound.C:
		return nil, errors.Join(fmt.Errorf("%s %s did not serve within %s; see %s", program, args[0], startBound, logFile), p.kill())
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), p.kill())
	}
}

// kill ends the process at once, as a power failure would, and waits until it is gone.
func (p *process) kill() error {
	err := p.cmd.Process.Kill()
	<-p.done
	p.reading.Wait()
	if errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("it had ended by itself: %w", p.err)
	}
	return err
}

// stop asks the process to end and reports how it did.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	bound := time.NewTimer(stopBound)
	defer bound.Stop()
	select {
	case <-p.done:
		p.reading.Wait()
		return p.err
	case <-bound.C:
		return errors.Join(fmt.Errorf("it did not stop within %s", stopBound), p.kill())
	}
}
