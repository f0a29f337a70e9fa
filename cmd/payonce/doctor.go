package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/payonce/payonce/config"
	"github.com/payonce/payonce/engine"
	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/gateway"
)

// verdict of one examination.
type verdict string

const (
	verdictOK   verdict = "ok"
	verdictWarn verdict = "warn"
	verdictFail verdict = "fail"
)

// examination is one line of doctor.
type examination struct {
	Name    string  `json:"name"`
	Verdict verdict `json:"verdict"`
	Detail  string  `json:"detail"`
	Remedy  string  `json:"remedy,omitempty"`
}

func ok(name, format string, args ...any) examination {
	return examination{Name: name, Verdict: verdictOK, Detail: fmt.Sprintf(format, args...)}
}

func warn(name, remedy, format string, args ...any) examination {
	return examination{Name: name, Verdict: verdictWarn, Detail: fmt.Sprintf(format, args...), Remedy: remedy}
}

func fail(name, remedy, format string, args ...any) examination {
	return examination{Name: name, Verdict: verdictFail, Detail: fmt.Sprintf(format, args...), Remedy: remedy}
}

func (a *app) doctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Examine settings, data folder, disk, Stripe and clock", Args: cobra.NoArgs,
		Long: `Examine the settings, the data folder, the speed and honesty of its disk, the file, Stripe and the clock. Each line
is ok, warn or fail, with a remedy. Nothing is changed but for a small file that is written and removed again. It may
run beside a server. Exit code 6 if anything fails.`,
		Example: "  payonce doctor\n  STRIPE_API_KEY=sk_test_... payonce doctor --data /var/lib/payonce --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := a.examine(cmd)
			failed := 0
			rows := make([][]string, 0, len(all))
			for _, e := range all {
				if e.Verdict == verdictFail {
					failed++
				}
				rows = append(rows, []string{string(e.Verdict), e.Name, e.Detail})
				if e.Remedy != "" {
					rows = append(rows, []string{"", "", "-> " + e.Remedy})
				}
			}
			var err error
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), map[string]any{"healthy": failed == 0, "examinations": all})
			} else {
				err = table(cmd.OutOrStdout(), []string{"", "WHAT", "FINDING"}, rows)
			}
			if err == nil && failed > 0 {
				err = problems(failed)
			}
			return err
		},
	}
	jsonFlag(cmd, &asJSON)
	config.AddFlags(cmd.Flags(), config.Server)
	return cmd
}

func (a *app) examine(cmd *cobra.Command) []examination {
	loaded, err := a.settings(cmd)
	if err != nil {
		return []examination{fail("settings", "correct them; `payonce config` shows what is in force", "%v", err)}
	}
	all := []examination{ok("settings", "valid")}
	for _, name := range loaded.Ignored {
		all = append(all, warn("settings", "correct its name, or ignore this if an orchestrator set it", "$%s names no setting", name))
	}
	if host, _, err := net.SplitHostPort(loaded.Listen); err == nil {
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			all = append(all, warn("settings", "put a proxy with TLS in front, API keys travel over it", "the API listens on %s without TLS", loaded.Listen))
		}
	}
	all = append(all, examineFolder(loaded.Data)...)
	file, running := examineFile(cmd.Context(), loaded.Data)
	all = append(all, file...)
	return append(all, examineStripe(cmd.Context(), loaded, running)...)
}

// examineFile looks at the lock and the database. The second result says whether a server runs on the folder.
func examineFile(ctx context.Context, data string) ([]examination, bool) {
	var all []examination
	running := false
	if remote, err := dialAdmin(ctx, socketOf(data)); err == nil {
		running = true
		all = append(all, ok("lock", "a server runs on the folder"))
		_ = remote.Close() // an idle connection, if any
	}
	reader, err := embedded.OpenReader(ctx, data)
	switch {
	case errors.Is(err, embedded.ErrMissing):
		return append(all, ok("file", "there is no database yet; the first start makes it")), running
	case err != nil:
		return append(all, fail("file", "see the finding", "%v", err)), running
	}
	defer func() { _ = reader.Close() }() // nothing was written
	if !running {
		all = append(all, examineLock(data))
	}
	_, err = reader.Due(ctx, 0, 1)
	gate, gateErr := reader.Gate(ctx)
	switch err = errors.Join(err, gateErr); {
	case err != nil:
		all = append(all, fail("file", "run `payonce check`; keep a copy of the folder", "%v", err))
	case gate != nil:
		all = append(all, warn("file", "wait until the server's log says that the restore sweep is complete",
			"restored from a backup: first attempts ask Stripe about %s to %s", stamp(gate.From.Time()), stamp(gate.To.Time())))
	default:
		all = append(all, ok("file", "readable, of this schema; `payonce check` examines all of it"))
	}
	return all, running
}

// examineLock takes the lock for a moment, as a start would.
func examineLock(data string) examination {
	held, err := lockHeld(filepath.Join(data, "payonce.lock"))
	switch {
	case err != nil:
		return fail("lock", "give the user that runs payonce the right to its files", "%v", err)
	case held:
		return fail("lock", "find the process that holds it (lsof, fuser) and stop it", "a process that has no admin socket holds the folder")
	}
	return ok("lock", "free")
}

const (
	pingBound = 15 * time.Second
	skewWarn  = 2 * time.Second
	skewFail  = time.Minute
)

func examineStripe(ctx context.Context, loaded *config.Loaded, running bool) []examination {
	if loaded.StripeAPIKey.IsZero() {
		remedy := "set STRIPE_API_KEY before `payonce serve`; `payonce dev` needs none"
		if running {
			remedy = "set STRIPE_API_KEY here, too, to examine what the server uses"
		}
		return []examination{warn("Stripe", remedy, "no key, not asked")}
	}
	stripe, err := gateway.New(gateway.Config{
		APIKey: gateway.NewSecret(loaded.StripeAPIKey.Reveal()), BaseURL: loaded.StripeURL,
		Installation: uuid.New(), // asked for by the gateway; the balance is nobody's
		Timeout:      loaded.StripeTimeout,
	})
	if err != nil {
		return []examination{fail("Stripe", "correct stripe_url or the key", "%v", err)}
	}
	defer stripe.Close()
	ctx, cancel := context.WithTimeout(ctx, pingBound)
	defer cancel()
	all := judgeStripe(stripe.Ping(ctx), loaded.StripeURL)
	return append(all, examineAccount(ctx, loaded, stripe)...)
}

// examineAccount compares the key's account with that of the folder's payments. Nothing where there is no folder yet.
func examineAccount(ctx context.Context, loaded *config.Loaded, stripe *gateway.Stripe) []examination {
	reader, err := embedded.OpenReader(ctx, loaded.Data)
	if err != nil {
		return nil // the file's own line says why
	}
	defer func() { _ = reader.Close() }() // nothing was written
	kept, known, err := reader.Account(ctx)
	if err == nil && known {
		err = judgeMode(loaded.Settings, kept, stripe.Live())
	}
	var is engine.Account
	if err == nil {
		id, asked := stripe.Account(ctx)
		is, err = judgeAccount(loaded.Settings, kept, stripe.Live(), id, asked)
	}
	const name = "Stripe account"
	switch {
	case err != nil:
		return []examination{fail(name, "start nothing with this key on this folder before it is clear", "%v", err)}
	case is.ID == "":
		return []examination{warn(name, "set stripe_account, so that a key of another account is noticed", "the key may not read its account")}
	}
	return []examination{ok(name, "%s, that of the folder's payments", is.ID)}
}

func judgeStripe(h gateway.Health, url string) []examination {
	var all []examination
	switch {
	case !h.Reachable:
		return append(all, fail("Stripe", "check the network, the proxy and stripe_url", "%s does not answer (%s)", url, h.Class))
	case !h.Accepted:
		all = append(all, fail("Stripe", "use a secret or restricted key of the right account, with the right to PaymentIntents and balance",
			"the key was not accepted: %s, status %d, request %s", h.Class, h.Status, h.RequestID))
	default:
		all = append(all, ok("Stripe", "%s accepts the key, %s mode, %s", url, stripeMode(h.Live), h.Took.Round(time.Millisecond)))
	}
	remedy := "set the clock by NTP: leases, retries and the search for lost charges go by it"
	switch skew := h.Skew.Abs(); {
	case !h.SkewKnown:
		all = append(all, warn("clock", remedy, "Stripe sent no time to compare with"))
	case skew > skewFail:
		all = append(all, fail("clock", remedy, "%s off Stripe's", h.Skew.Round(time.Second)))
	case skew > skewWarn:
		all = append(all, warn("clock", remedy, "%s off Stripe's", h.Skew.Round(time.Second)))
	default:
		all = append(all, ok("clock", "agrees with Stripe's to %s", skewWarn))
	}
	return all
}
