package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	adminBodyLimit   = 16 << 10
	adminHeaderBound = 5 * time.Second
	// adminStop bounds how long a stop waits for a backup that is under way.
	adminStop = 2 * time.Second
	// socketPathLimit is the longest name of a Unix socket that every system takes, in bytes.
	socketPathLimit = 103
)

// adminServer serves an administrator on a socket in the data folder, which only the folder's owner may open.
type adminServer struct {
	path   string
	http   *http.Server
	cancel context.CancelFunc // ends what is under way
}

// startAdmin serves the admin socket. The store's lock is held, so a socket that is there is of a process that is gone.
func (s *server) startAdmin(ctx context.Context) error {
	listener, path, err := listenAdmin(ctx, s.settings.Data)
	if err != nil {
		return fmt.Errorf("open the admin socket: %w", err)
	}
	local := &localAdmin{
		store: s.store, close: func() error { return nil },
		revoke: func(ctx context.Context, id string, _ time.Time) error { return s.keys.Revoke(ctx, id) },
	}
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.admin = &adminServer{path: path, cancel: cancel, http: &http.Server{
		Handler: adminHandler(local), ReadHeaderTimeout: adminHeaderBound,
		BaseContext: func(net.Listener) context.Context { return base },
	}}
	s.serving.Go(func() {
		if err := s.admin.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.fail("admin socket", err)
		}
	})
	return nil
}

// listenAdmin makes the socket in a folder that nobody else can enter and moves it into place once its mode is set,
// so that there is no moment at which another user could connect.
func listenAdmin(ctx context.Context, data string) (net.Listener, string, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return nil, "", err
	}
	path := filepath.Join(data, adminSocket)
	private, err := os.MkdirTemp(data, ".s")
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = os.RemoveAll(private) }() // at worst an empty folder stays
	made := filepath.Join(private, "s")
	if len(made) > socketPathLimit {
		return nil, "", fmt.Errorf("the path of the data folder is too long for a socket in it: %d bytes are too many, choose a folder with a shorter path", len(data))
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", made)
	if err != nil {
		return nil, "", err
	}
	if unix, ok := listener.(*net.UnixListener); ok {
		unix.SetUnlinkOnClose(false) // its name changes
	}
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		return nil, "", errors.Join(err, listener.Close())
	}
	return listener, path, nil
}

// close stops serving and removes the socket. What runs longer than a moment is told to end.
func (a *adminServer) close(ctx context.Context) error {
	removed := os.Remove(a.path)
	if errors.Is(removed, os.ErrNotExist) {
		removed = nil
	}
	ctx, done := context.WithTimeout(ctx, adminStop)
	defer done()
	if a.http.Shutdown(ctx) == nil {
		a.cancel()
		return removed
	}
	a.cancel()
	return errors.Join(removed, a.http.Close())
}

// adminHandler is the protocol of the socket: JSON over HTTP. Long work streams lines of adminLine.
func adminHandler(l administrator) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /keys", func(w http.ResponseWriter, r *http.Request) {
		var n newKey
		if err := readBody(w, r, &n); err != nil {
			answerAdmin(w, nil, err)
			return
		}
		k, err := l.CreateKey(r.Context(), n)
		answerAdmin(w, k, err)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		all, err := l.ListKeys(r.Context())
		answerAdmin(w, all, err)
	})
	mux.HandleFunc("DELETE /keys/{id}", func(w http.ResponseWriter, r *http.Request) {
		answerAdmin(w, struct{}{}, l.RevokeKey(r.Context(), r.PathValue("id")))
	})
	mux.HandleFunc("GET /installation", func(w http.ResponseWriter, r *http.Request) {
		id, err := l.Installation(r.Context())
		answerAdmin(w, id, err)
	})
	mux.HandleFunc("POST /backup", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Path string `json:"path"`
		}
		if err := readBody(w, r, &in); err != nil {
			answerAdmin(w, nil, err)
			return
		}
		stream(r.Context(), w, func(ctx context.Context, progress func(done, total int)) error {
			return l.Backup(ctx, in.Path, progress)
		})
	})
	return mux
}

// adminLine is one line of a streamed answer. The last one has End set.
type adminLine struct {
	Done  int        `json:"done,omitempty"`
	Total int        `json:"total,omitempty"`
	End   bool       `json:"end,omitempty"`
	Error *adminFail `json:"error,omitempty"`
}

// adminFail carries an error with its exit code.
type adminFail struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func failOf(err error) *adminFail {
	if err == nil {
		return nil
	}
	return &adminFail{Code: exitCode(err), Message: err.Error()}
}

func (f *adminFail) err() error {
	if f == nil {
		return nil
	}
	return coded(f.Code, errors.New(f.Message))
}

func readBody(w http.ResponseWriter, r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, adminBodyLimit))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return coded(exitUsage, fmt.Errorf("the request is not understood; are the two programs of one version? %w", err))
	}
	return nil
}

func answerAdmin(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
		v = failOf(err)
	}
	// The other side may be gone; then there is nobody to tell.
	_ = writeLine(w, v)
}

// stream runs work that takes its time and writes a line at most every tenth of a second.
func stream(ctx context.Context, w http.ResponseWriter, work func(ctx context.Context, progress func(done, total int)) error) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	var mu sync.Mutex // work may tell its progress from another goroutine
	var last time.Time
	send := func(line adminLine) {
		_ = writeLine(w, line) // see answerAdmin
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
	}
	err := work(ctx, func(done, total int) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(last) >= 100*time.Millisecond {
			last = now
			send(adminLine{Done: done, Total: total})
		}
	})
	mu.Lock()
	defer mu.Unlock()
	send(adminLine{End: true, Error: failOf(err)})
}
