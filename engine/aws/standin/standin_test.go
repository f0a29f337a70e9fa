//go:build aws

package standin

import (
	"net"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func TestDynamoDBAnswersOnLoopbackOnly(t *testing.T) {
	endpoint := DynamoDB(t)
	if again := DynamoDB(t); again != endpoint {
		t.Errorf("got a second server at %s beside %s", again, endpoint)
	}
	_, err := dynamodb.NewFromConfig(Config(endpoint)).ListTables(t.Context(), &dynamodb.ListTablesInput{})
	if err != nil {
		t.Fatal(err)
	}
	onLoopbackOnly(t, endpoint)
}

func TestSQSAnswersOnLoopbackOnly(t *testing.T) {
	endpoint := SQS(t)
	if again := SQS(t); again != endpoint {
		t.Errorf("got a second server at %s beside %s", again, endpoint)
	}
	_, err := sqs.NewFromConfig(Config(endpoint)).ListQueues(t.Context(), &sqs.ListQueuesInput{
		QueueNamePrefix: aws.String("none"),
	})
	if err != nil {
		t.Fatal(err)
	}
	onLoopbackOnly(t, endpoint)
}

// onLoopbackOnly checks that the endpoint's port answers on 127.0.0.1 and on no other address of this machine.
func onLoopbackOnly(t *testing.T, endpoint string) {
	t.Helper()
	parsed, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	if parsed.Hostname() != "127.0.0.1" {
		t.Errorf("the endpoint %s is not on 127.0.0.1", endpoint)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	// What listens on all interfaces answers on every address of 127.0.0.0/8 as well: one more to ask, on a machine
	// that has no network.
	others := []string{"127.0.0.2", "::1"}
	for _, address := range addresses {
		if prefix, ok := address.(*net.IPNet); ok && !prefix.IP.IsLoopback() && !prefix.IP.IsLinkLocalUnicast() {
			others = append(others, prefix.IP.String())
		}
	}
	if !accepts(t, "127.0.0.1", parsed.Port()) {
		t.Errorf("%s is not served", endpoint)
	}
	for _, other := range others {
		if accepts(t, other, parsed.Port()) {
			t.Errorf("port %s is served on %s", parsed.Port(), other)
		}
	}
}

func accepts(t *testing.T, host, port string) bool {
	t.Helper()
	dialer := net.Dialer{Timeout: 2 * time.Second}
	connection, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return false
	}
	return connection.Close() == nil
}

// The program must not carry a way to start servers, nor the testing package.
func TestProgramDoesNotImportThisPackage(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "github.com/payonce/payonce/cmd/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "/engine/aws/standin") {
			t.Errorf("the program imports %s", line)
		}
	}
}
