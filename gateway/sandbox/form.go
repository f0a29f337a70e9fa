package sandbox

import (
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Limits of a form. Stripe does not publish its own; these are far above what a PaymentIntent needs.
const (
	maxFormFields = 1000
	maxFormDepth  = 5
	maxBodyBytes  = 1 << 20
)

// ErrForm is wrapped by every refusal of [ParseForm].
var ErrForm = errors.New("sandbox: malformed form")

// FormError says why a form was refused. It never holds the offending bytes.
type FormError struct{ Reason string }

func (e *FormError) Error() string { return ErrForm.Error() + ": " + e.Reason }

// Unwrap gives [ErrForm].
func (e *FormError) Unwrap() error { return ErrForm }

// Field is one decoded name=value pair: metadata[order]=7 is {Base: "metadata", Path: ["order"], Value: "7"},
// and expand[]=x has the path [""].
type Field struct {
	Base  string
	Path  []string
	Value string
}

// Name gives the field's name as it was sent, decoded: base[seg][seg].
func (f Field) Name() string {
	if len(f.Path) == 0 {
		return f.Base
	}
	return f.Base + "[" + strings.Join(f.Path, "][") + "]"
}

// Form is a decoded application/x-www-form-urlencoded body in the order in which it was sent.
type Form []Field

// Encode gives a body that [ParseForm] decodes to the same form.
func (f Form) Encode() string {
	var b strings.Builder
	for i, field := range f {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(field.Name()))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(field.Value))
	}
	return b.String()
}

// ParseForm decodes a body of the kind that Stripe's API takes (https://docs.stripe.com/api): nested names a[b]=c and
// lists a[]=x or a[0]=x. Names must be base[seg]...[seg], at most 5 deep; at most 1000 fields; UTF-8 without NUL.
//
// Errors: *[FormError], which wraps [ErrForm].
func ParseForm(body string) (Form, error) {
	if body == "" {
		return nil, nil
	}
	form := make(Form, 0, strings.Count(body, "&")+1)
	for body != "" {
		var pair string
		pair, body, _ = strings.Cut(body, "&")
		if pair == "" {
			continue
		}
		if len(form) == maxFormFields {
			return nil, &FormError{"more than 1000 fields"}
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := unescape(name)
		if err != nil {
			return nil, err
		}
		value, err = unescape(value)
		if err != nil {
			return nil, err
		}
		base, path, err := splitName(name)
		if err != nil {
			return nil, err
		}
		form = append(form, Field{Base: base, Path: path, Value: value})
	}
	return form, nil
}

func unescape(s string) (string, error) {
	s, err := url.QueryUnescape(s)
	if err != nil {
		return "", &FormError{"a percent sign without two hex digits"}
	}
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		return "", &FormError{"not UTF-8 text"}
	}
	return s, nil
}

func splitName(name string) (base string, path []string, err error) {
	open := strings.IndexAny(name, "[]")
	if open < 0 {
		if name == "" {
			return "", nil, &FormError{"a field without a name"}
		}
		return name, nil, nil
	}
	base, rest := name[:open], name[open:]
	if base == "" {
		return "", nil, &FormError{"a name that begins with a bracket"}
	}
	for rest != "" {
		if rest[0] != '[' {
			return "", nil, &FormError{"text after a closing bracket"}
		}
		end := strings.IndexByte(rest, ']')
		if end < 0 || strings.IndexByte(rest[1:end], '[') >= 0 {
			return "", nil, &FormError{"unbalanced brackets"}
		}
		if len(path) == maxFormDepth {
			return "", nil, &FormError{"a name nested more than 5 deep"}
		}
		path = append(path, rest[1:end])
		rest = rest[end+1:]
	}
	return base, path, nil
}
