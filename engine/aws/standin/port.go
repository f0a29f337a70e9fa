package standin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are chosen below those that systems hand out by themselves (from 32768 on Linux, 49152 on macOS), so that no
// connection takes one between its choice and its use.
const (
	firstPort = 20000
	lastPort  = 32000
)

// errPortInUse says that another program has the port.
var errPortInUse = errors.New("the port is in use")

// reservation holds a port of 127.0.0.1 for a server that will listen on it. Test binaries run side by side, and one
// whose server finds its port taken could be answered by the other's: ElasticMQ goes on without its port. So the
// number's UDP port, which nobody serves, is held as long as the server lives; the system frees it with the process.
type reservation struct {
	io.Closer
	number int
}

func (r reservation) address() string { return loopback(r.number) }

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// reserve returns a port that no other reservation holds and on which nobody listens: the given one, or any if it is 0.
// Errors: errPortInUse for a given port; ctx.Err().
func reserve(ctx context.Context, port int) (reservation, error) {
	for {
		number := port
		if number == 0 {
			number = firstPort + rand.IntN(lastPort-firstPort)
		}
		reserved, err := reserveNumber(ctx, number)
		if err == nil || port != 0 || !errors.Is(err, errPortInUse) {
			return reserved, err
		}
	}
}

func reserveNumber(ctx context.Context, number int) (reservation, error) {
	if ctx.Err() != nil {
		return reservation{}, fmt.Errorf("reserve a port: %w", ctx.Err())
	}
	held, err := new(net.ListenConfig).ListenPacket(ctx, "udp", loopback(number))
	if err != nil {
		return reservation{}, fmt.Errorf("%w: %w", errPortInUse, err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", loopback(number))
	if err != nil {
		return reservation{}, errors.Join(fmt.Errorf("%w: %w", errPortInUse, err), held.Close())
	}
	if err := listener.Close(); err != nil {
		return reservation{}, errors.Join(fmt.Errorf("reserve a port: %w", err), held.Close())
	}
	return reservation{Closer: held, number: number}, nil
}
