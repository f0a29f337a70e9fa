package specmock

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stripe/stripe-mock/spec"
)

// walker compares a decoded JSON value with a schema. It is stricter than stripe-mock: a member that the schema does not
// name is a finding too.
type walker struct {
	schemas  map[string]*spec.Schema
	findings map[string]string // path without indexes: what is wrong
}

func (w *walker) found(path, format string, args ...any) {
	w.findings[path] = fmt.Sprintf(format, args...)
}

func (w *walker) resolve(s *spec.Schema) *spec.Schema {
	for s.Ref != "" {
		s = w.schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	return s
}

func (w *walker) walk(path string, s *spec.Schema, v any) {
	nullable := s.Nullable
	s = w.resolve(s)
	if v == nil {
		if !nullable && !s.Nullable {
			w.found(path, "null, and the description allows none")
		}
		return
	}
	if len(s.AnyOf) > 0 {
		w.anyOf(path, s, v)
		return
	}
	switch value := v.(type) {
	case map[string]any:
		if s.Type != "object" && s.Type != "" {
			w.found(path, "an object instead of %s", s.Type)
			return
		}
		w.object(path, s, value)
	case []any:
		if s.Type != "array" {
			w.found(path, "a list instead of %s", s.Type)
			return
		}
		for _, x := range value {
			w.walk(path, s.Items, x)
		}
	case string:
		w.scalar(path, s, "string", value)
	case bool:
		w.scalar(path, s, "boolean", value)
	case float64:
		if s.Type == "integer" && value != float64(int64(value)) {
			w.found(path, "a fraction")
		} else if s.Type != "integer" && s.Type != "number" {
			w.found(path, "a number instead of %s", s.Type)
		}
	}
}

func (w *walker) scalar(path string, s *spec.Schema, typ string, v any) {
	if s.Type != typ {
		w.found(path, "%s instead of %s", typ, s.Type)
		return
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
		w.found(path, "%v is none of %v", v, s.Enum)
	}
	if text, ok := v.(string); ok && s.MaxLength > 0 && len(text) > s.MaxLength {
		w.found(path, "longer than %d", s.MaxLength)
	}
}

func (w *walker) object(path string, s *spec.Schema, value map[string]any) {
	for _, name := range s.Required {
		if _, ok := value[name]; !ok {
			w.found(path+"."+name, "required, and missing")
		}
	}
	for name, x := range value {
		member, ok := s.Properties[name]
		switch {
		case ok:
			w.walk(path+"."+name, member, x)
		case s.AdditionalProperties != nil:
			w.walk(path+"."+name, s.AdditionalProperties, x)
		case len(s.Properties) > 0:
			w.found(path+"."+name, "not in the description")
		}
	}
}

// anyOf takes the alternative with the fewest findings.
func (w *walker) anyOf(path string, s *spec.Schema, v any) {
	var best map[string]string
	for _, alternative := range s.AnyOf {
		try := &walker{schemas: w.schemas, findings: map[string]string{}}
		try.walk(path, alternative, v)
		if best == nil || len(try.findings) < len(best) {
			best = try.findings
		}
	}
	for p, f := range best {
		w.findings[p] = f
	}
}
