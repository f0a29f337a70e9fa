package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// Sources are where settings come from, besides the defaults.
type Sources struct {
	// Flags as parsed, or nil. Only those that were given count.
	Flags *pflag.FlagSet
	// Environ is the environment, as os.Environ gives it.
	Environ []string
}

// Loaded is the effective configuration.
type Loaded struct {
	Settings
	// File is the YAML file that was read; empty: none.
	File string
	// Ignored are PAYONCE_ variables of the environment that name no setting: perhaps misspelled, perhaps set by an
	// orchestrator for a service of this name.
	Ignored []string

	origin map[string]string
}

// Origin says where the value of a setting came from: default, file, environment or flag. The second text names the
// file, the variable or the flag.
func (l *Loaded) Origin(name string) string {
	if o, ok := l.origin[name]; ok {
		return o
	}
	return "default"
}

// Given reports whether a setting was given at all.
func (l *Loaded) Given(name string) bool { return l.Origin(name) != "default" }

// ErrSetting is wrapped by every error of Load and Validate.
var ErrSetting = errors.New("settings")

// aliases are variables that others have made customary. PAYONCE_ names win over them.
var aliases = map[string]string{"STRIPE_API_KEY": "stripe_api_key"}

// Load reads all layers and validates the result. Errors wrap ErrSetting, name the setting, say where the value came from
// and never show a secret.
func Load(src Sources) (*Loaded, error) {
	l := &Loaded{origin: map[string]string{}}
	layers := []struct {
		name string
		load func(*koanf.Koanf) error
	}{
		{"default", defaults},
		{"file", func(k *koanf.Koanf) error { return l.file(k, src) }},
		{"environment", func(k *koanf.Koanf) error { return l.environment(k, src.Environ) }},
		{"flag", func(k *koanf.Koanf) error { return flags(k, src.Flags) }},
	}
	merged := koanf.New(".")
	for _, layer := range layers {
		k := koanf.New(".")
		if err := layer.load(k); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSetting, err)
		}
		for _, f := range Fields() {
			if k.Exists(f.Name) && layer.name != "default" {
				l.origin[f.Name] = l.where(layer.name, f, src)
			}
		}
		if err := merged.Merge(k); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSetting, err)
		}
	}
	var errs []error
	for _, f := range Fields() {
		if err := f.set(&l.Settings, merged.Get(f.Name)); err != nil {
			errs = append(errs, fmt.Errorf("%w: %s (%s) %w", ErrSetting, f.Name, l.Origin(f.Name), err))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return l, l.Validate()
}

func (l *Loaded) where(layer string, f Field, src Sources) string {
	switch layer {
	case "file":
		return "file " + l.File
	case "flag":
		return "flag --" + f.Flag
	}
	for _, e := range src.Environ {
		if name, _, _ := strings.Cut(e, "="); name == f.Env {
			return "environment " + name
		}
	}
	for name, setting := range aliases {
		if setting == f.Name {
			return "environment " + name
		}
	}
	return layer
}

func defaults(k *koanf.Koanf) error {
	for _, f := range Fields() {
		if err := k.Set(f.Name, f.Default); err != nil {
			return err
		}
	}
	return nil
}

func (l *Loaded) file(k *koanf.Koanf, src Sources) error {
	if src.Flags != nil {
		if f := src.Flags.Lookup(FileFlag); f != nil && f.Changed {
			l.File = f.Value.String()
		}
	}
	if l.File == "" {
		for _, e := range src.Environ {
			if name, value, _ := strings.Cut(e, "="); name == FileEnv {
				l.File = value
			}
		}
	}
	if l.File == "" {
		return nil
	}
	if err := k.Load(file.Provider(l.File), yaml.Parser()); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("the file %s does not exist; correct --%s or $%s", l.File, FileFlag, FileEnv)
		}
		// The parser's error may quote the file, and the file may hold a key.
		return fmt.Errorf("the file %s is not readable as YAML; each line is `name: value`, once per name", l.File)
	}
	for name := range k.Raw() {
		if !slices.ContainsFunc(Fields(), func(f Field) bool { return f.Name == name }) {
			return fmt.Errorf("the file %s has the unknown setting %q; `payonce config` lists those that exist", l.File, name)
		}
	}
	return nil
}

func (l *Loaded) environment(k *koanf.Koanf, environ []string) error {
	names := map[string]string{}
	for _, f := range Fields() {
		names[f.Env] = f.Name
	}
	l.Ignored = nil
	read := func(known map[string]string, strict bool) error {
		return k.Load(env.Provider(".", env.Opt{
			EnvironFunc: func() []string { return environ },
			TransformFunc: func(name, value string) (string, any) {
				setting, ok := known[name]
				if !ok && strict && strings.HasPrefix(name, envPrefix) && name != FileEnv {
					l.Ignored = append(l.Ignored, name)
				}
				if !ok || value == "" {
					return "", nil
				}
				return setting, value
			},
		}), nil)
	}
	if err := read(aliases, false); err != nil {
		return err
	}
	return read(names, true)
}

func flags(k *koanf.Koanf, fs *pflag.FlagSet) error {
	if fs == nil {
		return nil
	}
	names := map[string]string{}
	for _, f := range Fields() {
		if f.Flag != "" {
			names[f.Flag] = f.Name
		}
	}
	// Without a Koanf instance the provider passes on only what was given on the command line.
	return k.Load(posflag.ProviderWithFlag(fs, ".", nil, func(f *pflag.Flag) (string, any) {
		if _, ok := f.Value.(*flagValue); !ok {
			return "", nil // a flag of the command itself, which may have the name of a setting
		}
		return names[f.Name], f.Value.String()
	}), nil)
}
