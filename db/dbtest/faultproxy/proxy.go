package faultproxy

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// Proxy passes connections on to one server. All methods may be called concurrently.
type Proxy struct {
	dsn            string
	listener       net.Listener
	deaf, refusing atomic.Bool
	notify         atomic.Pointer[func(payload string) int]
	faults         faults
	work           sync.WaitGroup

	mu              sync.Mutex
	network, server string // where to
	closed          bool
	links           map[*link]struct{}
}

// Open begins to pass on to the server of a DSN, at an address of its own on loopback.
func Open(dsn string) (*Proxy, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("reading the DSN: %w", err)
	}
	p := &Proxy{links: map[*link]struct{}{}}
	p.network, p.server = addressOf(cfg)
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil { //nolint:noctx // nothing to wait for
		return nil, err
	}
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(cfg.User, cfg.Password), Host: p.listener.Addr().String(),
		Path: cfg.Database, RawQuery: "sslmode=disable",
	}
	p.dsn = u.String()
	p.work.Go(p.accept)
	return p, nil
}

func addressOf(cfg *pgx.ConnConfig) (network, address string) {
	if cfg.Host[0] == '/' {
		return "unix", cfg.Host + "/.s.PGSQL." + strconv.Itoa(int(cfg.Port))
	}
	return "tcp", net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
}

// DSN is of the same database, through the proxy.
func (p *Proxy) DSN() string { return p.dsn }

// Close cuts everything and waits until nothing of the proxy runs.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Cut()
	p.work.Wait()
}

// Redirect passes new connections on to another server; its credentials must be the same.
// Those that are open stay where they are.
func (p *Proxy) Redirect(dsn string) error {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("reading the DSN: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.network, p.server = addressOf(cfg)
	return nil
}

func (p *Proxy) dial() (net.Conn, error) {
	p.mu.Lock()
	network, server := p.network, p.server
	p.mu.Unlock()
	return net.Dial(network, server) //nolint:noctx // Close ends it
}

// Cut breaks all connections, on both sides. New ones are passed on.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.cut()
	}
}

// Refuse has new connections end at once, as with a server that is not there.
func (p *Proxy) Refuse(refusing bool) { p.refusing.Store(refusing) }

// Swallow makes a black hole: what either side says is lost and neither is told, as with
// a firewall that forgot the connection. A connection that has lost something never
// recovers.
func (p *Proxy) Swallow(deaf bool) { p.deaf.Store(deaf) }

// OnNotify says how often a notification is passed on: 0 drops it, 2 doubles it.
func (p *Proxy) OnNotify(copies func(payload string) int) { p.notify.Store(&copies) }

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.refusing.Load() {
			_ = client.Close()
			continue
		}
		server, err := p.dial()
		if err != nil {
			_ = client.Close()
			continue
		}
		p.begin(&link{proxy: p, client: client, server: server, done: make(chan struct{})})
	}
}

func (p *Proxy) begin(l *link) {
	p.mu.Lock()
	p.links[l] = struct{}{}
	if p.closed {
		l.cut()
	}
	p.mu.Unlock()
	p.work.Go(l.ask)
	p.work.Go(func() {
		l.answer()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.links, l)
	})
}
