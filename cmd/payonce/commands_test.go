package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// each calls f for every command that can be run.
func each(c *cobra.Command, f func(*cobra.Command)) {
	for _, sub := range c.Commands() {
		if sub.Name() == "help" || sub.Name() == "completion" {
			continue
		}
		f(sub)
		each(sub, f)
	}
}

func TestEveryCommandIsDocumented(t *testing.T) {
	a := &app{version: testVersion}
	n := 0
	each(a.root(), func(c *cobra.Command) {
		n++
		if c.Short == "" || c.Example == "" {
			t.Errorf("%s has no summary or no example", c.CommandPath())
		}
		for line := range strings.SplitSeq(c.Example, "\n") {
			if !strings.Contains(line, "payonce ") && !strings.Contains(line, "curl ") {
				t.Errorf("%s: the example %q does not run payonce", c.CommandPath(), line)
			}
		}
	})
	if n < 20 {
		t.Errorf("%d commands were seen", n)
	}
}

// TestJSONEverywhere: whatever prints facts prints them for machines, too.
func TestJSONEverywhere(t *testing.T) {
	without := map[string]bool{
		// They serve, until they are stopped.
		"payonce dev": true, "payonce serve": true, "payonce sandbox": true,
		// They only group others, or are texts.
		"payonce keys": true, "payonce payments": true, "payonce aws": true, "payonce exit-codes": true,
	}
	a := &app{version: testVersion}
	each(a.root(), func(c *cobra.Command) {
		if has := c.Flags().Lookup("json") != nil; has == without[c.CommandPath()] {
			t.Errorf("%s: --json %t", c.CommandPath(), has)
		}
	})
}

func TestGoldenHelp(t *testing.T) {
	var b strings.Builder
	a := &app{version: testVersion}
	each(a.root(), func(c *cobra.Command) {
		name := strings.Fields(c.CommandPath())[1:]
		b.WriteString("$ payonce help " + strings.Join(name, " ") + "\n")
		b.WriteString(payonce(t, nil, append([]string{"help"}, name...)...).want(t, exitOK).out + "\n")
	})
	golden(t, "help.txt", b.String())
}

func TestUsageErrors(t *testing.T) {
	for _, args := range [][]string{
		{"bogus"},
		{"serve", "--bogus"},
		{"serve", "extra"},
		{"payments"},
		{"payments", "get"},
		{"keys", "create"},
		{"submit"},
		{"cancel"},
		{"keys", "create", "--tenant", "UPPER", "--principal", "x"},
		{"payments", "list", "--created-after", "soon"},
		{"config", "--workers", "many"},
		{"submit", "--key", "k", "--metadata", "x"},
		{"sandbox", "--lost", "2"},
		{"overview"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			r := payonce(t, []string{"PAYONCE_DATA=" + t.TempDir()}, args...).want(t, exitUsage)
			if args[0] != "payments" && r.err == "" {
				t.Error("it said nothing")
			}
		})
	}
}

func TestVersionAndConfig(t *testing.T) {
	var v versionInfo
	payonce(t, nil, "version", "--json").want(t, exitOK).json(t, &v)
	if v != testVersion {
		t.Errorf("got %+v", v)
	}
	if out := payonce(t, nil, "version").want(t, exitOK).out; !strings.Contains(out, testVersion.Version) {
		t.Error(out)
	}
	env := []string{"STRIPE_API_KEY=sk_test_hidden", "PAYONCE_WORKERS=7"}
	out := payonce(t, env, "config").want(t, exitOK).out
	if !strings.Contains(out, "workers: 7 # environment PAYONCE_WORKERS") || strings.Contains(out, "sk_test_hidden") {
		t.Error(out)
	}
	var entries map[string]struct {
		Value  any
		Origin string
	}
	payonce(t, env, "config", "--json").want(t, exitOK).json(t, &entries)
	if entries["workers"].Value != float64(7) || entries["stripe_api_key"].Value != "[hidden]" {
		t.Errorf("got %+v", entries)
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if out := payonce(t, nil, "completion", shell).want(t, exitOK).out; !strings.Contains(out, "payonce") {
			t.Errorf("%s: %s", shell, out)
		}
	}
}
