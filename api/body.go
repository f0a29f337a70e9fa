package api

import (
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"

	"github.com/payonce/payonce/events"
)

// MaxBody is the largest request body, in bytes.
const MaxBody = 64 << 10

// checkContentType wants JSON in UTF-8, not encoded further.
func checkContentType(h http.Header) error {
	if len(h["Content-Encoding"]) > 0 {
		return &problem{code: codeUnsupportedMediaType}
	}
	values := h["Content-Type"]
	if len(values) != 1 {
		return &problem{code: codeUnsupportedMediaType}
	}
	if values[0] == "application/json" {
		return nil
	}
	kind, params, err := mime.ParseMediaType(values[0])
	if err != nil || kind != "application/json" {
		return &problem{code: codeUnsupportedMediaType}
	}
	for name, value := range params {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return &problem{code: codeUnsupportedMediaType}
		}
	}
	return nil
}

// readBody reads the whole body into b, which it may grow.
func readBody(r *http.Request, b *[]byte) error {
	if r.ContentLength > MaxBody {
		return &problem{code: codeBodyTooLarge}
	}
	buf := (*b)[:0]
	if n := int(r.ContentLength) + 1; n > cap(buf) {
		buf = make([]byte, 0, n) // one byte more, so that the end is seen without growing
	}
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Body.Read(buf[len(buf):min(cap(buf), MaxBody+1)])
		buf = buf[:len(buf)+n]
		*b = buf
		switch {
		case len(buf) > MaxBody:
			return &problem{code: codeBodyTooLarge}
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return brokenBody(err)
		}
	}
}

func brokenBody(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return &problem{code: codeRequestTimeout}
	}
	return &problem{code: codeMalformedJSON, errors: []place{{
		code: events.FieldSyntax, detail: "the body ends before it is complete",
	}}}
}
