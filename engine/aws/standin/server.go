package standin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// StartTimeout bounds the start of one server, from its command to its first answer. A start takes about three seconds
// on an idle machine; a machine that runs many tests at once takes far longer.
const StartTimeout = 2 * time.Minute

const (
	tryTimeout  = 2 * time.Second       // for one question to a server that starts
	tryPause    = 50 * time.Millisecond // between two of them
	stopTimeout = 10 * time.Second      // for a killed program to end
	portTries   = 3                     // another program may take a port between its choice and its use
)

// errEnded says that a server's program ended before it answered.
var errEnded = errors.New("the program ended before it answered")

// errNotEnded says that a killed program is still there.
var errNotEnded = errors.New("the program was killed and did not end")

// Server is a running stand-in. It ends with this process, or with Stop.
type Server struct {
	Endpoint string // "http://127.0.0.1:PORT"
	Log      string // path of the file with the program's output

	command *exec.Cmd
	port    io.Closer // reserves the port among programs that start stand-ins
	guard   io.Closer // the program lives while this pipe is open
	life    *os.File  // reading from it meets the end when the program has ended
}

// StartDynamoDB starts DynamoDB Local on port of 127.0.0.1, or on a free port if port is 0, and returns when it has
// answered.
// Errors: ErrNotInstalled; ctx.Err(); what kept it from answering, with the path of its log.
func StartDynamoDB(ctx context.Context, port int) (*Server, error) {
	return start(ctx, "dynamodb", port, dynamoDBCommand, func(ctx context.Context, endpoint string) error {
		_, err := dynamodb.NewFromConfig(Config(endpoint), func(options *dynamodb.Options) {
			options.RetryMaxAttempts = 1
		}).ListTables(ctx, &dynamodb.ListTablesInput{})
		return err
	})
}

// StartSQS starts the SQS stand-in; everything else is as at [StartDynamoDB].
func StartSQS(ctx context.Context, port int) (*Server, error) {
	return start(ctx, "sqs", port, sqsCommand, func(ctx context.Context, endpoint string) error {
		_, err := sqs.NewFromConfig(Config(endpoint), func(options *sqs.Options) {
			options.RetryMaxAttempts = 1
		}).ListQueues(ctx, &sqs.ListQueuesInput{})
		return err
	})
}

// Stop ends the program and returns when it has ended. Its log stays.
func (s *Server) Stop() error {
	closed := errors.Join(s.guard.Close(), s.port.Close())
	// A signal to the terminal's programs may have ended the script first: its own end says nothing of the program's.
	if err := s.command.Wait(); err != nil && !isExit(err) {
		return fmt.Errorf("wait for the stand-in: %w", err)
	}
	ended, err := s.ended(stopTimeout)
	if err == nil && !ended {
		err = errNotEnded
	}
	return errors.Join(closed, err, s.life.Close())
}

// isExit tells whether err is only that a program ended by a signal or with a code.
func isExit(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit)
}

type question func(ctx context.Context, endpoint string) error

// start runs the command for a port and asks until the server answers. With port 0 it tries several.
func start(ctx context.Context, name string, port int, command func(port int) ([]string, error), ask question) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, StartTimeout)
	defer cancel()
	for try := 1; ; try++ {
		server, err := startOnce(ctx, name, port, command, ask)
		if err == nil {
			return server, nil
		}
		if port != 0 || !errors.Is(err, errEnded) || try == portTries {
			return nil, fmt.Errorf("start the %s stand-in: %w", name, err)
		}
	}
}

func startOnce(ctx context.Context, name string, port int, command func(port int) ([]string, error), ask question) (*Server, error) {
	reserved, err := reserve(ctx, port)
	if err != nil {
		return nil, err
	}
	arguments, err := command(reserved.number)
	if err != nil {
		return nil, errors.Join(err, reserved.Close())
	}
	server, err := run(ctx, name, arguments)
	if err != nil {
		return nil, errors.Join(err, reserved.Close())
	}
	server.port = reserved
	server.Endpoint = "http://" + reserved.address()
	if err := server.ready(ctx, ask); err != nil {
		return nil, fmt.Errorf("%w; its log: %s", errors.Join(err, server.Stop()), server.Log)
	}
	return server, nil
}

// ready returns when the server has answered, or an error when it ended or ctx did.
func (s *Server) ready(ctx context.Context, ask question) error {
	for {
		asked := s.try(ctx, ask)
		if ended, err := s.ended(tryPause); err != nil || ended {
			return errors.Join(errEnded, err)
		}
		if asked == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w; last answer: %w", ctx.Err(), asked)
		}
	}
}

func (s *Server) try(ctx context.Context, ask question) error {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	return ask(ctx, s.Endpoint)
}
