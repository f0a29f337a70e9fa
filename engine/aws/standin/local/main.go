// Command local starts both stand-ins for AWS for a developer, prints the settings with which any AWS SDK finds them,
// and ends them when it is interrupted. What they held is gone then.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/payonce/payonce/engine/aws/standin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "aws-local:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. The settings go to out, as lines that a shell can read; the rest goes to notes.
func run(ctx context.Context, arguments []string, out, notes io.Writer) (err error) {
	flags := flag.NewFlagSet("aws-local", flag.ContinueOnError)
	flags.SetOutput(notes)
	dynamoDBPort := flags.Int("dynamodb-port", 8000, "port of DynamoDB Local on 127.0.0.1; 0 takes a free one")
	sqsPort := flags.Int("sqs-port", 9324, "port of the SQS stand-in on 127.0.0.1; 0 takes a free one")
	if err := flags.Parse(arguments); err != nil {
		return err
	}

	dynamoDB, err := standin.StartDynamoDB(ctx, *dynamoDBPort)
	if err != nil {
		return unlessInterrupted(ctx, err)
	}
	defer func() { err = errors.Join(err, dynamoDB.Stop()) }()
	sqs, err := standin.StartSQS(ctx, *sqsPort)
	if err != nil {
		return unlessInterrupted(ctx, err)
	}
	defer func() { err = errors.Join(err, sqs.Stop()) }()

	credentials, err := standin.Config("").Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("read the credentials: %w", err)
	}
	for _, setting := range [][2]string{
		{"AWS_REGION", standin.Region},
		{"AWS_ACCESS_KEY_ID", credentials.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", credentials.SecretAccessKey},
		{"AWS_ENDPOINT_URL_DYNAMODB", dynamoDB.Endpoint},
		{"AWS_ENDPOINT_URL_DYNAMODB_STREAMS", dynamoDB.Endpoint},
		{"AWS_ENDPOINT_URL_SQS", sqs.Endpoint},
	} {
		fmt.Fprintf(out, "export %s=%s\n", setting[0], setting[1])
	}
	fmt.Fprintf(notes, "logs: %s %s\nCtrl-C ends both; what they hold is in memory only\n", dynamoDB.Log, sqs.Log)
	<-ctx.Done()
	return nil
}

// unlessInterrupted returns err, or nil when a start only failed because the developer ended it.
func unlessInterrupted(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}
