package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a child that serves HTTP.
type process struct {
	cmd     *exec.Cmd
	url     string
	done    chan struct{} // closed when it has ended
	err     error         // of its end; read after done
	reading sync.WaitGroup
}

const (
	startBound = 2 * time.Minute // a big store opens in this time, or something is wrong
	stopBound  = 90 * time.Second
)

// launch starts a program and waits until it says on standard output what it serves. Its log goes to a file in dir.
func launch(ctx context.Context, dir, program string, args, env []string, order any) (p *process, err error) {
	log, err := os.OpenFile(filepath.Join(dir, filepath.Base(program)+"-"+args[0]+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }() // the child has its own
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, args...) //nolint:gosec // starting the programs to measure is what this is for
	cmd.Env, cmd.Stdout, cmd.Stderr = environ(env...), write, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C at the terminal is for this program alone
	if cmd.Stdin, err = orderFor(order); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", program, err), read.Close(), write.Close())
	}
	p = &process{cmd: cmd, done: make(chan struct{})}
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
	if err := write.Close(); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	bound := time.NewTimer(startBound)
	defer bound.Stop()
	select {
	case p.url = <-address:
		return p, nil
	case <-p.done:
		return nil, fmt.Errorf("%s %s ended before it served: %w; see %s", program, args[0], p.err, log.Name())
	case <-bound.C:
		return nil, errors.Join(fmt.Errorf("%s %s did not serve within %s", program, args[0], startBound), p.stop())
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), p.stop())
	}
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop ends the process and waits until it is gone. How it ends is not what is measured here.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	bound := time.NewTimer(stopBound)
	defer bound.Stop()
	select {
	case <-p.done:
	case <-bound.C:
		if err := p.cmd.Process.Kill(); err != nil {
			return err
		}
		<-p.done
	}
	p.reading.Wait()
	return nil
}

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

func orderFor(order any) (io.Reader, error) {
	if order == nil {
		return nil, nil
	}
	text, err := json.Marshal(order)
	return bytes.NewReader(text), err
}

// serve starts a part of this program that serves.
func (b *bench) serve(ctx context.Context, dir, name string, order any) (*process, error) {
	return launch(ctx, dir, b.self, []string{name}, nil, order)
}

// ask runs a part of this program to its end and reads its answer.
func ask[T any](ctx context.Context, b *bench, name string, order any) (answer T, err error) {
	in, err := orderFor(order)
	if err != nil {
		return answer, err
	}
	out, err := run(ctx, b.errs, in, b.self, name)
	if err == nil {
		err = json.Unmarshal(out, &answer)
	}
	return answer, err
}

// run runs a program to its end and gives its standard output.
func run(ctx context.Context, errs io.Writer, in io.Reader, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // as above
	var out bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = environ(), in, &out, errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s %s: %w", filepath.Base(program), args[0], err)
	}
	return out.Bytes(), nil
}

// folder makes a folder for one run of a measure, and gives what removes it.
func (b *bench) folder(name string) (dir string, remove func() error, err error) {
	dir, err = os.MkdirTemp(b.dir, name+"-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}
