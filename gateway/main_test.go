package gateway_test

import (
	"testing"

	"go.uber.org/goleak"
)

// No test may leave a goroutine behind: neither a connection's nor a breaker's.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
