package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// spec is openapi.yaml as plain maps.
type spec map[string]any

var loadSpec = sync.OnceValues(func() (spec, error) {
	b, err := os.ReadFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	var s map[string]any
	err = yaml.Unmarshal(b, &s)
	return s, err
})

func theSpec(t testing.TB) spec {
	t.Helper()
	s, err := loadSpec()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// resolve follows a $ref within the document.
func (s spec) resolve(v any) map[string]any {
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	ref, ok := m["$ref"].(string)
	if !ok {
		return m
	}
	var at any = map[string]any(s)
	for _, name := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		at = at.(map[string]any)[name]
	}
	return s.resolve(at)
}

func (s spec) operation(method, path string) map[string]any {
	item, _ := s["paths"].(map[string]any)[path].(map[string]any)
	op, _ := item[strings.ToLower(method)].(map[string]any)
	return op
}

// check holds an answer against the operation it came from: status, media type, headers and body.
func (s spec) check(method, path string, res *http.Response, body []byte) error {
	op := s.operation(method, path)
	responses, _ := op["responses"].(map[string]any)
	response := s.resolve(responses[strconv.Itoa(res.StatusCode)])
	if response == nil {
		return fmt.Errorf("%s %s does not document %d", method, path, res.StatusCode)
	}
	headers, _ := response["headers"].(map[string]any)
	for name, h := range headers {
		if v := res.Header.Get(name); v != "" {
			var value any = v
			schema := s.resolve(s.resolve(h)["schema"])
			if schema["type"] == "integer" {
				n, err := strconv.ParseFloat(v, 64)
				if err != nil {
					return fmt.Errorf("header %s: %w", name, err)
				}
				value = n
			}
			if err := s.validate(schema, value, name); err != nil {
				return err
			}
		}
	}
	for _, name := range []string{"Location", "Idempotent-Replayed", "Retry-After", "WWW-Authenticate", "Allow"} {
		if _, ok := headers[name]; !ok && res.Header.Get(name) != "" {
			return fmt.Errorf("%s %s %d does not document %s", method, path, res.StatusCode, name)
		}
	}
	content, _ := response["content"].(map[string]any)
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	media, ok := content[kind].(map[string]any)
	if !ok {
		return fmt.Errorf("%s %s %d does not document %q", method, path, res.StatusCode, kind)
	}
	if !strings.HasSuffix(kind, "json") {
		return nil
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err
	}
	return s.validate(media["schema"], v, "")
}

// validate checks a JSON value against a schema. It knows the keywords that the document uses, and is stricter in one
// thing: members that the schema does not list are errors, so that nothing goes out undocumented.
func (s spec) validate(schema, v any, at string) error {
	m := s.resolve(schema)
	if c, ok := m["const"]; ok && c != v {
		return fmt.Errorf("%s: not %v", at, c)
	}
	if enum, ok := m["enum"].([]any); ok && !slices.Contains(enum, v) {
		return fmt.Errorf("%s: %v is none of the enum", at, v)
	}
	switch m["type"] {
	case "string":
		return checkText(m, v, at)
	case "integer", "number":
		return checkNumber(m, v, at)
	case "boolean":
		if _, ok := v.(bool); !ok {
			return fmt.Errorf("%s: not a boolean", at)
		}
	case "array":
		list, ok := v.([]any)
		if !ok {
			return fmt.Errorf("%s: not an array", at)
		}
		for i, e := range list {
			if err := s.validate(m["items"], e, at+"/"+strconv.Itoa(i)); err != nil {
				return err
			}
		}
	case "object":
		return s.checkObject(m, v, at)
	default:
		return fmt.Errorf("%s: the schema has no type", at)
	}
	return nil
}

func checkText(m map[string]any, v any, at string) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("%s: not a string", at)
	}
	if p, ok := m["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(text) {
		return fmt.Errorf("%s: does not match %s", at, p)
	}
	if m["format"] == "date-time" {
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	}
	n := utf8.RuneCountInString(text)
	if most, ok := m["maxLength"].(int); ok && n > most {
		return fmt.Errorf("%s: longer than %d", at, most)
	}
	if least, ok := m["minLength"].(int); ok && n < least {
		return fmt.Errorf("%s: shorter than %d", at, least)
	}
	return nil
}

func checkNumber(m map[string]any, v any, at string) error {
	n, ok := v.(float64)
	if i, isInt := v.(int); isInt { // from YAML
		n, ok = float64(i), true
	}
	if !ok || m["type"] == "integer" && n != float64(int64(n)) {
		return fmt.Errorf("%s: not of type %v", at, m["type"])
	}
	if least, ok := m["minimum"].(int); ok && n < float64(least) {
		return fmt.Errorf("%s: below %d", at, least)
	}
	if most, ok := m["maximum"].(int); ok && n > float64(most) {
		return fmt.Errorf("%s: above %d", at, most)
	}
	return nil
}

func (s spec) checkObject(m map[string]any, v any, at string) error {
	object, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: not an object", at)
	}
	required, _ := m["required"].([]any)
	for _, name := range required {
		if _, ok := object[name.(string)]; !ok {
			return fmt.Errorf("%s/%s: is missing", at, name)
		}
	}
	properties, _ := m["properties"].(map[string]any)
	for name, e := range object {
		schema, ok := properties[name]
		if !ok {
			if schema, ok = m["additionalProperties"]; !ok || schema == false {
				return fmt.Errorf("%s/%s: is not documented", at, name)
			}
		}
		if err := s.validate(schema, e, at+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

func TestRoutesAreThoseOfTheSpec(t *testing.T) {
	s := theSpec(t)
	documented := map[string]bool{}
	for path, item := range s["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			documented[strings.ToUpper(method)+" "+path] = true
		}
	}
	served := map[string]bool{}
	for _, r := range routes() {
		served[r.pattern()] = true
		op := s.operation(r.method, r.path)
		if op == nil {
			continue
		}
		security, ok := op["security"].([]any)
		if open := ok && len(security) == 0; open != r.open {
			t.Errorf("%s: open is %v in the spec, %v in the code", r.pattern(), open, r.open)
		}
		var params []string
		keyed := false
		list, _ := op["parameters"].([]any)
		for _, p := range list {
			switch m := s.resolve(p); m["in"] {
			case "query":
				params = append(params, m["name"].(string))
			case "header":
				keyed = keyed || m["name"] == "Idempotency-Key"
			}
		}
		if !slices.Equal(params, r.params) || keyed != r.keyed {
			t.Errorf("%s: parameters %v, keyed %v in the spec; %v, %v in the code", r.pattern(), params, keyed, r.params, r.keyed)
		}
	}
	if !maps.Equal(documented, served) {
		t.Errorf("documented %v\nserved %v", documented, served)
	}
}

func TestProblemCodesAreThoseOfTheSpec(t *testing.T) {
	s := theSpec(t)
	schemas := s["components"].(map[string]any)["schemas"].(map[string]any)
	enum := schemas["ProblemCode"].(map[string]any)["enum"].([]any)
	for _, c := range enum {
		if _, ok := meanings[code(c.(string))]; !ok {
			t.Errorf("%v is in the spec only", c)
		}
	}
	// Where each status is explained: in the shared responses, and 405 at the problem itself.
	text := map[int]string{405: schemas["Problem"].(map[string]any)["description"].(string)}
	for _, item := range s["paths"].(map[string]any) {
		for _, op := range item.(map[string]any) {
			for status, r := range op.(map[string]any)["responses"].(map[string]any) {
				n, err := strconv.Atoi(status)
				if err != nil {
					t.Fatal(err)
				}
				text[n] += s.resolve(r)["description"].(string)
			}
		}
	}
	for c, m := range meanings {
		if !slices.Contains(enum, any(string(c))) {
			t.Errorf("%s is in the code only", c)
		}
		if !strings.Contains(text[m.status], "`"+string(c)+"`") {
			t.Errorf("%s is not explained at the answers with %d", c, m.status)
		}
		if m.title == "" || m.detail == "" {
			t.Errorf("%s has no title or detail", c)
		}
	}
}

// Every example in the document is of its schema.
func TestExamplesOfTheSpec(t *testing.T) {
	s := theSpec(t)
	found := 0
	var walk func(v any, at string)
	walk = func(v any, at string) {
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		if schema, ok := m["schema"]; ok {
			if e, ok := m["example"]; ok && m["in"] == nil {
				found++
				if err := s.validate(schema, e, at); err != nil {
					t.Error(err)
				}
			}
			examples, _ := m["examples"].(map[string]any)
			for name, e := range examples {
				found++
				if err := s.validate(schema, s.resolve(e)["value"], at+"#"+name); err != nil {
					t.Error(err)
				}
			}
		}
		for name, inner := range m {
			walk(inner, at+"/"+name)
		}
	}
	walk(map[string]any(s), "")
	if found < 10 {
		t.Errorf("only %d examples found", found)
	}
}

// The checker itself: what it must refuse.
func TestValidate(t *testing.T) {
	s := theSpec(t)
	schema := map[string]any{"$ref": "#/components/schemas/Payment"}
	good := func() map[string]any {
		example := s["components"].(map[string]any)["examples"].(map[string]any)["Succeeded"]
		return maps.Clone(example.(map[string]any)["value"].(map[string]any))
	}
	if err := s.validate(schema, good(), ""); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(map[string]any){
		"missing":      func(p map[string]any) { delete(p, "id") },
		"pattern":      func(p map[string]any) { p["id"] = "pay_1" },
		"enum":         func(p map[string]any) { p["state"] = "paid" },
		"const":        func(p map[string]any) { p["object"] = "charge" },
		"fraction":     func(p map[string]any) { p["amount"] = 1.5 },
		"minimum":      func(p map[string]any) { p["attempts"] = -1 },
		"type":         func(p map[string]any) { p["currency"] = 978 },
		"time":         func(p map[string]any) { p["created_at"] = "today" },
		"undocumented": func(p map[string]any) { p["cvc"] = "1" },
		"nested":       func(p map[string]any) { p["card"] = map[string]any{"brand": "visa"} },
		"map":          func(p map[string]any) { p["metadata"] = map[string]any{"a": 1} },
		"null":         func(p map[string]any) { p["failure"] = nil },
	} {
		p := good()
		edit(p)
		if s.validate(schema, p, "") == nil {
			t.Errorf("%s passes", name)
		}
	}
}
