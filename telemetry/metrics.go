package telemetry

import (
	"fmt"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"
)

// NewRegistry returns a registry with the metrics of the Go runtime, of the process and of the build. version is what
// `payonce version` prints.
func NewRegistry(version string) (*prometheus.Registry, error) {
	reg := prometheus.NewRegistry()
	goVersion := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		goVersion = info.GoVersion
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "payonce_build_info", Help: "1; the labels name the version of payonce and of Go.",
		ConstLabels: prometheus.Labels{"version": version, "go": goVersion},
	})
	build.Set(1)
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), build,
	} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register the process metrics: %w", err)
		}
	}
	return reg, nil
}

// Catalog is a Registerer that remembers what passes through it, to document it. Safe for concurrent use.
type Catalog struct {
	prometheus.Registerer

	mu      sync.Mutex
	metrics []Metric
}

// Metric is a line of the documentation.
type Metric struct {
	Name, Kind, Help string
	Labels           []string
}

// Register registers and remembers.
func (c *Catalog) Register(collector prometheus.Collector) error {
	if err := c.Registerer.Register(collector); err != nil {
		return err
	}
	descs := make(chan *prometheus.Desc, 64)
	go func() { collector.Describe(descs); close(descs) }()
	var found []Metric
	for d := range descs {
		if m, ok := parseDesc(d.String()); ok {
			m.Kind = kindOf(collector)
			found = append(found, m)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.metrics = append(c.metrics, found...)
	return nil
}

// MustRegister registers and panics on an error, as prometheus.Registerer says.
func (c *Catalog) MustRegister(all ...prometheus.Collector) {
	for _, one := range all {
		if err := c.Register(one); err != nil {
			panic(err)
		}
	}
}

// Metrics lists what was registered, by name.
func (c *Catalog) Metrics() []Metric {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Clone(c.metrics)
	slices.SortFunc(all, func(a, b Metric) int { return strings.Compare(a.Name, b.Name) })
	// A metric that is registered once per value of a label is one line.
	return slices.CompactFunc(all, func(a, b Metric) bool { return a.Name == b.Name })
}

// A Desc has no other access to what it says than its text.
var desc = regexp.MustCompile(`^Desc\{fqName: "([^"]*)", help: "(.*?)"(?:, unit: "[^"]*")?, constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)

func parseDesc(text string) (Metric, bool) {
	m := desc.FindStringSubmatch(text)
	if m == nil {
		return Metric{}, false
	}
	labels := strings.FieldsFunc(m[4], func(r rune) bool { return r == ',' || r == ' ' })
	for pair := range strings.SplitSeq(m[3], ",") {
		if name, _, ok := strings.Cut(pair, "="); ok {
			labels = append(labels, name)
		}
	}
	slices.Sort(labels)
	return Metric{Name: m[1], Help: strings.ReplaceAll(m[2], `\"`, `"`), Labels: labels}, true
}

func kindOf(c prometheus.Collector) string {
	switch c.(type) {
	case *prometheus.CounterVec:
		return "counter"
	case *prometheus.GaugeVec:
		return "gauge"
	case *prometheus.HistogramVec:
		return "histogram"
	}
	samples := make(chan prometheus.Metric, 64)
	go func() { c.Collect(samples); close(samples) }()
	kind := ""
	for s := range samples {
		var out dto.Metric
		if s.Write(&out) != nil || kind != "" {
			continue
		}
		switch {
		case out.Counter != nil:
			kind = "counter"
		case out.Gauge != nil:
			kind = "gauge"
		case out.Histogram != nil:
			kind = "histogram"
		}
	}
	return kind
}
