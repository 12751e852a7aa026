package dbtest

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
)

// Ports that are given: below those that systems take for who calls or names none, so that
// nobody gets one while its server is down.
const firstPort, ports = 15_000, 15_000

// given counts on from anywhere, since test binaries run side by side.
var start, given = rand.Uint32N(ports), new(atomic.Uint32)

// FreeAddress is one on loopback that nobody listens on, for a server that is to be found
// where it was when it is started again.
func FreeAddress(t testing.TB) string {
	t.Helper()
	for range ports {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(firstPort+(start+given.Add(1))%ports)))
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err == nil {
			err = l.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return address
	}
	t.Fatal("every port is taken")
	return ""
}
