package events

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxPointer bounds a pointer in bytes: it names a member, and names are the
// caller's text.
const maxPointer = 128

// childPointer is the JSON pointer (RFC 6901) of a member, or its parent's
// where the name is not fit to be repeated.
func childPointer(parent, name string) string {
	name = strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
	return safePointer(parent + "/" + name)
}

// safePointer shortens a pointer to its last ancestor that is short, printable
// and free of card numbers.
func safePointer(p string) string {
	for len(p) > maxPointer || !printable(p) || CardNumberInText([]byte(p)) {
		p = p[:max(0, strings.LastIndexByte(p, '/'))]
	}
	return p
}

func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// cardPointer says in which top-level member of body the card number is, as
// far as body can be read; "" where that is not to be told.
func cardPointer(body []byte) string {
	dec := jsontext.NewDecoder(bytes.NewBuffer(body))
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '{' {
		return ""
	}
	for {
		tok, err := dec.ReadToken()
		if err != nil || tok.Kind() != '"' {
			return ""
		}
		name := tok.String()
		value, err := dec.ReadValue()
		if err != nil {
			return ""
		}
		if CardNumberInText(value) {
			return childPointer("", name)
		}
	}
}
