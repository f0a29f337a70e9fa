package telemetry_test

import (
	"reflect"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/payonce/payonce/telemetry"
)

func TestRegistryHasProcessAndBuild(t *testing.T) {
	reg, err := telemetry.NewRegistry("v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, f := range families {
		found[f.GetName()] = true
	}
	for _, want := range []string{"go_goroutines", "process_start_time_seconds", "payonce_build_info"} {
		if !found[want] {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestCatalogDocumentsWhatIsRegistered(t *testing.T) {
	c := &telemetry.Catalog{Registerer: prometheus.NewRegistry()}
	c.MustRegister(
		prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "b_seconds", Help: `Says "b".`}, []string{"y", "x"}),
		prometheus.NewCounter(prometheus.CounterOpts{Name: "a_total", Help: "A."}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "c", Help: "C."}, func() float64 { return 1 }),
	)
	want := []telemetry.Metric{
		{Name: "a_total", Kind: "counter", Help: "A."},
		{Name: "b_seconds", Kind: "histogram", Help: `Says "b".`, Labels: []string{"x", "y"}},
		{Name: "c", Kind: "gauge", Help: "C."},
	}
	got := c.Metrics()
	for i := range got {
		if len(got[i].Labels) == 0 {
			got[i].Labels = nil
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if err := c.Register(prometheus.NewCounter(prometheus.CounterOpts{Name: "a_total", Help: "A."})); err == nil {
		t.Error("a second a_total was registered")
	}
}
