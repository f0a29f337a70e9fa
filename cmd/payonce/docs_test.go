package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/payonce/payonce/config"
	"github.com/payonce/payonce/telemetry"
)

const metricsDoc = "../../docs/metrics.md"

// TestDocsMetrics keeps the table of metrics current: it starts a server and lists what that has registered.
func TestDocsMetrics(t *testing.T) {
	loaded, err := config.Load(config.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	loaded.Data, loaded.Listen, loaded.StripeURL = t.TempDir(), "127.0.0.1:0", "http://127.0.0.1:1"
	loaded.StripeAPIKey = config.NewSecret(sandboxKey)
	var catalog *telemetry.Catalog
	a := &app{err: &output{}, version: testVersion}
	o := a.serverOptions(loaded)
	o.catalog = func(r prometheus.Registerer) prometheus.Registerer {
		catalog = &telemetry.Catalog{Registerer: r}
		return catalog
	}
	s, err := startServer(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(`# Metrics

What ` + "`GET /metrics`" + ` shows, in Prometheus' text format, besides the Go runtime's (` + "`go_*`" + `) and the process's
(` + "`process_*`" + `) metrics and ` + "`payonce_build_info`" + `. No label carries a tenant, a payment or anything that a request holds.
This table is generated: ` + "`go test ./cmd/payonce -run DocsMetrics -update`" + `.

| Metric | Kind | Labels | Meaning |
|---|---|---|---|
`)
	for _, m := range catalog.Metrics() {
		if m.Help == "" || m.Kind == "" || !strings.HasPrefix(m.Name, "payonce_") {
			t.Errorf("undocumented or misnamed: %+v", m)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, m.Kind, strings.Join(m.Labels, ", "), strings.ReplaceAll(m.Help, "|", `\|`))
	}
	if *update {
		if err := os.WriteFile(metricsDoc, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(metricsDoc)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Errorf("%s is not current; it should be:\n%s", metricsDoc, b.String())
	}
}
