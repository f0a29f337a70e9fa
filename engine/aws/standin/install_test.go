package standin

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// The script that installs and the code that starts must mean the same folders.
func TestFolderNamesAreThoseOfTheInstaller(t *testing.T) {
	script, err := os.ReadFile(filepath.Join("..", "..", "..", "tools", "aws", "install"))
	if err != nil {
		t.Fatal(err)
	}
	for variable, folder := range map[string]string{
		"dynamodb": dynamoDBFolder, "elasticmq": sqsFolder, "loopback": loopbackFolder,
	} {
		if line := "\n" + variable + "=" + folder + "\n"; !bytes.Contains(script, []byte(line)) {
			t.Errorf("tools/aws/install does not install %q", folder)
		}
	}
}

func TestMissingStandInsAreNamed(t *testing.T) {
	t.Setenv("CI_CACHE", t.TempDir())
	for name, start := range map[string]func(context.Context, int) (*Server, error){"DynamoDB": StartDynamoDB, "SQS": StartSQS} {
		server, err := start(t.Context(), 0)
		if server != nil || !errors.Is(err, ErrNotInstalled) || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: got %v, %v, want ErrNotInstalled", name, server, err)
		}
	}
}
