package embedded_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/payonce/payonce/engine/embedded"
)

// A store whose file has vanished must not begin anew beside its log: it would forget every payment.
func TestLogWithoutItsFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "payonce.db-wal"), []byte("frames"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Open(t.Context(), embedded.Config{Dir: dir}); !errors.Is(err, embedded.ErrCorrupt) {
		t.Fatalf("%v", err)
	}
}

// An empty file is what a start leaves that was cut short.
func TestEmptyFileIsNew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "payonce.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := embedded.Open(t.Context(), embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v: others can read it", info.Mode(), err)
	}
}
