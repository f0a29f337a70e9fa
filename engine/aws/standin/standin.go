// Package standin starts the stand-ins for AWS that the tests of the aws engine talk to: AWS's own DynamoDB Local, and
// ElasticMQ in place of SQS. `make aws-tools` installs both.
//
//	client := dynamodb.NewFromConfig(standin.Config(standin.DynamoDB(t)))
//
// One server of each kind is started per test binary, at its first use, and shared by its tests: each test makes tables
// and queues with names of its own. The servers listen on 127.0.0.1 only, keep everything in memory and end with the
// test binary, even when that is killed.
//
// Only tests and the program in the folder local import this package.
package standin

import (
	"context"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Region is the AWS region that clients of the stand-ins name.
const Region = "eu-central-1"

// Account is the AWS account whose queues the SQS stand-in serves, as it appears in queue URLs and ARNs.
const Account = "000000000000"

// Config returns what a client of the AWS SDK needs to talk to the stand-in at endpoint: Region, made-up credentials
// (neither stand-in checks them) and the endpoint as base endpoint. Nothing is read from the environment. The SDK's own
// defaults of retry and HTTP client apply.
func Config(endpoint string) aws.Config {
	return aws.Config{
		Region:       Region,
		Credentials:  credentials.NewStaticCredentialsProvider("standin", "standin", ""),
		BaseEndpoint: aws.String(endpoint),
	}
}

// One server per test binary: starting one takes seconds, and nothing but the end of the binary ends them.
var (
	sharedDynamoDB = sync.OnceValues(func() (*Server, error) { return StartDynamoDB(context.Background(), 0) })
	sharedSQS      = sync.OnceValues(func() (*Server, error) { return StartSQS(context.Background(), 0) })
)

// DynamoDB returns the endpoint URL of DynamoDB Local, "http://127.0.0.1:PORT", and starts it if this test binary has
// not yet. It fails the test if the server is not installed or does not answer within StartTimeout, and names the
// server's log if the test fails later. Safe for concurrent use.
//
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.html
func DynamoDB(tb testing.TB) (endpoint string) {
	tb.Helper()
	return shared(tb, sharedDynamoDB)
}

// SQS returns the endpoint URL of the SQS stand-in, "http://127.0.0.1:PORT"; everything else is as at [DynamoDB].
//
// Source: https://github.com/softwaremill/elasticmq
func SQS(tb testing.TB) (endpoint string) {
	tb.Helper()
	return shared(tb, sharedSQS)
}

func shared(tb testing.TB, start func() (*Server, error)) string {
	tb.Helper()
	server, err := start()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("log of the stand-in at %s: %s", server.Endpoint, server.Log)
		}
	})
	return server.Endpoint
}
