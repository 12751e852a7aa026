package faultproxy

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// link is one connection of a client and the one made for it to the server.
type link struct {
	proxy          *Proxy
	client, server net.Conn
	once           sync.Once
	done           chan struct{} // closed when the link is cut
	lost           atomic.Bool   // something was swallowed

	mu       sync.Mutex
	asked    int  // requests passed on
	answered int  // answers that have ended; only answer writes it
	held     *hit // the request whose answer meets a fault, once it is passed on
}

// hit is a request that met a fault: its number on the link.
type hit struct {
	number int
	Fault
}

func (l *link) cut() {
	l.once.Do(func() {
		close(l.done)
		_ = l.client.Close()
		_ = l.server.Close()
	})
}

// ask passes on what the client says, request by request.
func (l *link) ask() {
	defer l.cut()
	in := bufio.NewReader(l.client)
	startup, err := readMessage(in, 0)
	if err != nil || !l.pass(l.server, startup) {
		return
	}
	var request []byte
	for {
		m, err := readMessage(in, 1)
		if err != nil {
			return
		}
		request = append(request, m...)
		switch m[0] {
		case 'S', 'Q': // Sync, Query: the client waits now
			if !l.request(request) {
				return
			}
			request = request[:0]
		case 'B', 'C', 'D', 'E', 'P': // Bind, Close, Describe, Execute, Parse: more is to come
		default:
			if !l.pass(l.server, request) {
				return
			}
			request = request[:0]
		}
	}
}

// request passes a whole request on, unless a fault is meant for it.
func (l *link) request(request []byte) bool {
	f, met := l.proxy.faults.next()
	if met && f.Kind == Lost {
		return false
	}
	if met && f.Kind == Refused {
		request = refusal
	}
	l.mu.Lock()
	if met && f.Kind != Refused {
		l.held = &hit{l.asked, f}
	}
	l.asked++
	l.mu.Unlock()
	return l.pass(l.server, request)
}

// refusal makes the server itself say no, so that it also knows that its transaction failed.
var refusal, _ = (&pgproto3.Query{String: `DO $$BEGIN RAISE EXCEPTION 'refused by the proxy' USING ERRCODE = '40001'; END$$`}).Encode(nil)

// answer passes on what the server says. The first time it is ready it answers nothing:
// the connection is made.
func (l *link) answer() {
	defer l.cut()
	in := bufio.NewReader(l.server)
	made := false
	for {
		m, err := readMessage(in, 1)
		if err != nil {
			return
		}
		ready := m[0] == 'Z' && made
		made = made || m[0] == 'Z'
		if !l.deliver(m, ready) {
			return
		}
	}
}

// deliver gives the client a message, unless the answer it belongs to meets a fault.
func (l *link) deliver(m []byte, last bool) bool {
	l.mu.Lock()
	held := l.held
	if held != nil && (held.number > l.answered || m[0] == 'A') {
		held = nil
	}
	if last {
		l.answered++
	}
	if held != nil && held.Kind == Slow {
		l.held = nil
	}
	l.mu.Unlock()
	switch {
	case held == nil:
		return l.pass(l.client, l.copies(m))
	case held.Kind == Slow:
		held.wait(l.done)
		return l.pass(l.client, m)
	case held.Kind == Abandoned && last && held.number == l.answered-1:
		held.Then() // and nothing more is passed on, until one side ends it
	}
	return held.Kind == Abandoned || !last // unheard: the link is cut with the answer's end
}

// copies repeats or drops a notification.
func (l *link) copies(m []byte) []byte {
	count := l.proxy.notify.Load()
	var n pgproto3.NotificationResponse
	if m[0] != 'A' || count == nil || n.Decode(m[headerSize:]) != nil {
		return m
	}
	var all []byte
	for range (*count)(n.Payload) {
		all = append(all, m...)
	}
	return all
}

// pass writes, or swallows; false when the other side is gone.
func (l *link) pass(to net.Conn, b []byte) bool {
	if l.proxy.deaf.Load() {
		l.lost.Store(true)
	}
	if l.lost.Load() {
		return true
	}
	_, err := to.Write(b)
	return err == nil
}

const headerSize = 5

// readMessage reads one message with its header: `kind` bytes that say what it is (none
// for the first one of a client), and four for the length, which counts itself.
func readMessage(in *bufio.Reader, kind int) ([]byte, error) {
	header, err := in.Peek(kind + 4)
	if err != nil {
		return nil, err
	}
	m := make([]byte, kind+int(binary.BigEndian.Uint32(header[kind:])))
	_, err = io.ReadFull(in, m)
	return m, err
}

func (h *hit) wait(done <-chan struct{}) {
	timer := time.NewTimer(h.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
	}
}
