package config

import (
	"strings"

	"github.com/spf13/pflag"
)

// AddFlags registers the flags of the settings that the groups read, and --config.
// A flag's value is checked by Load, together with the values of the other layers.
func AddFlags(fs *pflag.FlagSet, groups ...Group) {
	if fs.Lookup(FileFlag) == nil {
		fs.String(FileFlag, "", "YAML file with settings [$"+FileEnv+"]")
	}
	for _, f := range Fields() {
		if f.Flag == "" || !f.readBy(groups) || fs.Lookup(f.Flag) != nil {
			continue
		}
		fs.Var(&flagValue{text: f.Default, kind: f.Type}, f.Flag, f.Help+" [$"+f.Env+"]")
	}
}

func (f Field) readBy(groups []Group) bool {
	if f.For == All {
		return true
	}
	for _, g := range groups {
		if g == f.For || g == Dev && f.For == Server {
			return true
		}
	}
	return false
}

// flagValue keeps the text; the one place that parses values is Field.set.
type flagValue struct{ text, kind string }

func (v *flagValue) String() string     { return v.text }
func (v *flagValue) Set(s string) error { v.text = strings.TrimSpace(s); return nil }
func (v *flagValue) Type() string       { return v.kind }
