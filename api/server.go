package api

import (
	"log"
	"log/slog"
	"net/http"
	"time"
)

// NewServer returns a server with the bounds that the contract states. The caller listens and shuts it down:
// api.Drain, then Shutdown.
func NewServer(a *API) *http.Server {
	return &http.Server{
		Handler:           a,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second, // waiting for events moves it
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		// OPTIONS * is no path of ours: it gets a 404 like every other.
		DisableGeneralOptionsHandler: true,
		// net/http would write what it dislikes about a connection to standard error, parts of requests included.
		ErrorLog: log.New(discardText{a.Logger}, "", 0),
	}
}

// discardText counts a line of net/http in the log without its text.
type discardText struct{ logger *slog.Logger }

func (d discardText) Write(line []byte) (int, error) {
	d.logger.Debug("net/http refused or lost a connection")
	return len(line), nil
}
