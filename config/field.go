package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Field describes one setting.
type Field struct {
	Name    string // as in the YAML file
	Env     string // environment variable
	Flag    string // without dashes in front; empty: not on the command line
	Default string
	Help    string
	For     Group
	Secret  bool
	Type    string // string, int, number, duration, list

	index int
}

// Group is who reads a setting.
type Group string

// The groups.
const (
	All    Group = "all"
	Server Group = "server"
	Dev    Group = "dev"
	Client Group = "client"
)

const envPrefix = "PAYONCE_"

// FileFlag and FileEnv name the YAML file. They are not settings: a file cannot name itself.
const (
	FileFlag = "config"
	FileEnv  = envPrefix + "CONFIG"
)

// Fields lists every setting in the order of the struct.
func Fields() []Field {
	t := reflect.TypeFor[Settings]()
	all := make([]Field, 0, t.NumField())
	for i := range t.NumField() {
		sf := t.Field(i)
		name := sf.Tag.Get("name")
		f := Field{
			Name: name, Env: envPrefix + strings.ToUpper(name), Flag: strings.ReplaceAll(name, "_", "-"),
			Default: sf.Tag.Get("default"), Help: sf.Tag.Get("help"), For: Group(sf.Tag.Get("for")), index: i,
		}
		if sf.Tag.Get("flag") == "-" {
			f.Flag = ""
		}
		switch reflect.Zero(sf.Type).Interface().(type) {
		case Secret:
			f.Type, f.Secret = "string", true
		case time.Duration:
			f.Type = "duration"
		case int:
			f.Type = "int"
		case float64:
			f.Type = "number"
		case []string:
			f.Type = "list"
		default:
			f.Type = "string"
		}
		all = append(all, f)
	}
	return all
}

// set writes a value, as a layer gave it, into its place.
func (f Field) set(s *Settings, value any) error {
	text, list, err := flatten(value)
	if err != nil {
		return err
	}
	dst := reflect.ValueOf(s).Elem().Field(f.index)
	switch p := dst.Addr().Interface().(type) {
	case *[]string:
		if list == nil {
			list = split(text)
		}
		*p = list
		return nil
	default:
		if list != nil {
			return fmt.Errorf("is a list, but one %s is wanted", f.Type)
		}
	}
	switch p := dst.Addr().Interface().(type) {
	case *Secret:
		*p = NewSecret(strings.TrimSpace(text))
	case *string:
		*p = text
	case *int:
		if *p, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("is not a whole number")
		}
	case *float64:
		if *p, err = strconv.ParseFloat(text, 64); err != nil {
			return fmt.Errorf("is not a number")
		}
	case *time.Duration:
		if *p, err = time.ParseDuration(text); err != nil {
			return fmt.Errorf("is not a duration such as 30s, 15m or 24h")
		}
	}
	return nil
}

// text is the value as it would be written in the YAML file; secrets are hidden.
func (f Field) text(s Settings) string {
	switch v := reflect.ValueOf(s).Field(f.index).Interface().(type) {
	case []string:
		return strings.Join(v, ",")
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// value is the value for a machine; secrets are hidden.
func (f Field) value(s Settings) any {
	switch v := reflect.ValueOf(s).Field(f.index).Interface().(type) {
	case []string:
		if v == nil {
			return []string{}
		}
		return v
	case int, float64:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// flatten turns what YAML, the environment or a flag gave into a text or a list of texts.
func flatten(value any) (string, []string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil, fmt.Errorf("has no value")
	case string:
		return v, nil, nil
	case bool, int, int64, uint64, float64:
		return fmt.Sprint(v), nil, nil
	case []any:
		list := make([]string, 0, len(v))
		for _, e := range v {
			text, nested, err := flatten(e)
			if err != nil || nested != nil {
				return "", nil, fmt.Errorf("is not a list of names")
			}
			list = append(list, text)
		}
		return "", list, nil
	default:
		return "", nil, fmt.Errorf("is not a single value")
	}
}

func split(text string) []string {
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}
