package config

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// WriteYAML prints the effective settings as a YAML file that could be read again, each with its meaning and where its
// value came from. Secrets are commented out: what is shown of them is no value.
func (l *Loaded) WriteYAML(w io.Writer) error {
	var b strings.Builder
	for _, f := range Fields() {
		fmt.Fprintf(&b, "# %s\n", f.Help)
		value := f.text(l.Settings)
		if f.Secret {
			fmt.Fprintf(&b, "# %s: %s", f.Name, value)
		} else {
			fmt.Fprintf(&b, "%s: %s", f.Name, quote(f, value))
		}
		fmt.Fprintf(&b, " # %s\n", l.Origin(f.Name))
	}
	for _, name := range l.Ignored {
		fmt.Fprintf(&b, "# ignored: $%s names no setting\n", name)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// quote writes texts in JSON's quotes, which YAML reads alike.
func quote(f Field, value string) string {
	switch f.Type {
	case "int", "number", "duration":
		return value
	case "list":
		list, _ := json.Marshal(append([]string{}, split(value)...)) //nolint:errchkjson // a list of texts always encodes
		return string(list)
	}
	text, _ := json.Marshal(value) //nolint:errchkjson // a text always encodes
	return string(text)
}

// Entry is one setting in the machine's form of `payonce config`.
type Entry struct {
	Value  any    `json:"value"`
	Origin string `json:"origin"`
	Env    string `json:"env"`
	Flag   string `json:"flag,omitempty"`
	Help   string `json:"help"`
}

// Entries gives the effective settings by name, secrets hidden.
func (l *Loaded) Entries() map[string]Entry {
	all := map[string]Entry{}
	for _, f := range Fields() {
		e := Entry{Value: f.value(l.Settings), Origin: l.Origin(f.Name), Env: f.Env, Help: f.Help}
		if f.Flag != "" {
			e.Flag = "--" + f.Flag
		}
		all[f.Name] = e
	}
	return all
}
