// Package telemetry is what payonce shows of itself: logs, metrics and traces. Nothing here is global; each is made by
// the binary and passed to whoever uses it.
//
//   - NewLogger writes JSON lines on which only the attributes in Attributes appear, their texts freed of card numbers
//     and keys.
//   - NewRegistry is a Prometheus registry of the process; Catalog wraps it to document what is registered.
//   - NewTracing exports OpenTelemetry spans over OTLP/HTTP if there is somewhere to export them to.
package telemetry
