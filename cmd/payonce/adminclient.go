package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
)

// remoteAdmin administers the data folder of a running server through its socket.
type remoteAdmin struct{ client *http.Client }

// dialAdmin connects to the socket. An error says that no server listens there.
func dialAdmin(ctx context.Context, socket string) (*remoteAdmin, error) {
	dial := func(ctx context.Context) (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, "unix", socket) }
	conn, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := conn.Close(); err != nil {
		return nil, err
	}
	return &remoteAdmin{client: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
	}}}, nil
}

func (r *remoteAdmin) CreateKey(ctx context.Context, n newKey) (k createdKey, err error) {
	return k, r.call(ctx, http.MethodPost, "/keys", n, &k)
}

func (r *remoteAdmin) ListKeys(ctx context.Context) (all []keyInfo, err error) {
	return all, r.call(ctx, http.MethodGet, "/keys", nil, &all)
}

func (r *remoteAdmin) RevokeKey(ctx context.Context, id string) error {
	return r.call(ctx, http.MethodDelete, "/keys/"+url.PathEscape(id), nil, nil)
}

func (r *remoteAdmin) Backup(ctx context.Context, path string, progress func(done, total int)) error {
	// The server may run in another folder.
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	return r.follow(ctx, "/backup", map[string]string{"path": path}, progress)
}

func (r *remoteAdmin) Installation(ctx context.Context) (id string, err error) {
	return id, r.call(ctx, http.MethodGet, "/installation", nil, &id)
}

func (r *remoteAdmin) Close() error {
	r.client.CloseIdleConnections()
	return nil
}

func (r *remoteAdmin) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return nil, fmt.Errorf("ask the server: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://payonce"+path, &body)
	if err != nil {
		return nil, fmt.Errorf("ask the server: %w", err)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the server through its socket: %w", err)
	}
	return resp, nil
}

func (r *remoteAdmin) call(ctx context.Context, method, path string, in, out any) (err error) {
	resp, err := r.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return refusal(resp.Body, resp.Status)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return nil
}

func refusal(body io.Reader, status string) error {
	var f adminFail
	if err := json.NewDecoder(body).Decode(&f); err != nil || f.Message == "" {
		return fmt.Errorf("the server answered %s; are the two programs of one version?", status)
	}
	return f.err()
}

// follow reads a streamed answer to its end. An answer without an end is a failure: the server has stopped.
func (r *remoteAdmin) follow(ctx context.Context, path string, in any, progress func(done, total int)) (err error) {
	resp, err := r.send(ctx, http.MethodPost, path, in)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return refusal(resp.Body, resp.Status)
	}
	lines := json.NewDecoder(bufio.NewReader(resp.Body))
	for {
		var line adminLine
		if err := lines.Decode(&line); err != nil {
			return fmt.Errorf("the server stopped before it had finished: %w", err)
		}
		if line.End {
			return line.Error.err()
		}
		progress(line.Done, line.Total)
	}
}
