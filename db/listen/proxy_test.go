package listen

import (
	"errors"
	"io"
	"net"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// proxy stands between a client and a server and can swallow what they say, with both
// connections left open: what a firewall does that has forgotten them.
type proxy struct {
	dsn      string
	network  string
	server   string
	deaf     atomic.Bool
	mu       sync.Mutex
	conns    []net.Conn
	pumps    sync.WaitGroup
	listener net.Listener
}

func newProxy(t *testing.T, dsn string) *proxy {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{}
	p.network, p.server = networkOf(cfg)
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(p.listener.Addr().String())
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(cfg.User, cfg.Password), Host: net.JoinHostPort(host, port),
		Path: cfg.Database, RawQuery: "sslmode=disable",
	}
	p.dsn = u.String()
	p.pumps.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func networkOf(cfg *pgx.ConnConfig) (network, address string) {
	if cfg.Host[0] == '/' {
		return "unix", cfg.Host + "/.s.PGSQL." + strconv.Itoa(int(cfg.Port))
	}
	return "tcp", net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(p.network, p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		p.pumps.Go(func() { p.pump(server, client) })
		p.pumps.Go(func() { p.pump(client, server) })
	}
}

// pump passes on; what was begun while the proxy was deaf never recovers.
func (p *proxy) pump(to, from net.Conn) {
	buf := make([]byte, 4096)
	dead := false
	for {
		n, err := from.Read(buf)
		if dead = dead || p.deaf.Load(); dead && err == nil {
			continue
		}
		if n > 0 {
			_, _ = to.Write(buf[:n])
		}
		if err != nil {
			if errors.Is(err, io.EOF) && !dead {
				_ = to.Close()
			}
			return
		}
	}
}

func (p *proxy) swallow(deaf bool) { p.deaf.Store(deaf) }

func (p *proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.pumps.Wait()
}
