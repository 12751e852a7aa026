package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

// How long each way of stopping may take before the next, harder one.
const (
	fastPatience      = 30 * time.Second
	immediatePatience = 5 * time.Second
)

const (
	database = "provflow"
	appUser  = "provflow"
	admin    = "postgres"
	port     = "5432" // names the socket file only
)

// Options say where the private server keeps its data and how it is found.
type Options struct {
	DataDir  string            // wanted data folder; created
	BinDir   string            // folder of initdb and postgres; "" = look for it
	Logger   *slog.Logger      // nil = silent
	Settings map[string]string // extra postgresql settings (-c)
}

// Server is a running private PostgreSQL. It is safe for concurrent use.
type Server struct {
	home     home
	bin      binaries
	socket   string
	settings map[string]string
	log      *slog.Logger
	lock     *folderLock
	proc     *process
	stopping atomic.Bool
}

// Start returns when the server accepts connections and the application's
// database exists. The context bounds the start only; the server lives until
// Stop, or until the program ends. It fails at once where another program uses
// the folder, where the folder was made by another major version, or where no
// binaries are found; the error says what to do.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.DataDir == "" {
		return nil, errors.New("private PostgreSQL: no data folder given")
	}
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	place, err := settle(o.DataDir, log)
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL: %w", err)
	}
	lock, err := lockFolder(place)
	if err != nil {
		return nil, err
	}
	s := &Server{home: place, settings: o.Settings, log: log, lock: lock}
	if err := s.start(ctx, o.BinDir); err != nil {
		s.lock.release()
		return nil, fmt.Errorf("private PostgreSQL in %s: %w", place.dir, err)
	}
	return s, nil
}

// start does everything that needs the lock.
func (s *Server) start(ctx context.Context, binDir string) error {
	bin, err := chooseBinaries(binDir, s.home.clusterVersion())
	if err != nil {
		return err
	}
	if s.bin, err = s.home.bringWithinReach(bin); err != nil {
		return err
	}
	if err := s.ensureCluster(ctx); err != nil {
		return err
	}
	if s.socket, err = s.home.socketDir(); err != nil {
		return err
	}
	if err := s.launchUntilReady(ctx); err != nil {
		return err
	}
	if err := bootstrap(ctx, s.dsn(admin, "postgres")); err != nil {
		return errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	s.log.Debug("private PostgreSQL is ready", "dir", s.home.dir, "version", s.bin.version, "bin", s.bin.dir)
	return nil
}

// DSN is a unix-socket URL for the database "provflow" as the application's
// user, who owns it and is no superuser.
func (s *Server) DSN() string { return s.dsn(appUser, database) }

// DataDir is where the data really is; it differs from the wanted folder where
// the server's user could not enter that.
func (s *Server) DataDir() string { return s.home.dir }

// Done is closed when the postgres process has ended, for whatever reason. The
// folder is free again by then.
func (s *Server) Done() <-chan struct{} { return s.proc.done }

// Stop ends the server: a fast shutdown until the context ends (at most half a
// minute), then an immediate one. An error says that it did not end cleanly; the
// data is safe all the same and the next start recovers it. Stopping a server
// that has ended is no error. Pass a context that is still alive.
func (s *Server) Stop(ctx context.Context) error {
	s.stopping.Store(true)
	if s.proc.stopped(ctx, syscall.SIGINT, fastPatience) {
		return nil
	}
	last := context.WithoutCancel(ctx)
	if s.proc.stopped(last, syscall.SIGQUIT, immediatePatience) {
		return errors.New("private PostgreSQL: no fast shutdown in time, stopped at once; it recovers at the next start")
	}
	s.proc.kill()
	<-s.proc.done
	return errors.New("private PostgreSQL: did not stop and was killed; it recovers at the next start")
}

// ended runs once the postgres process is gone.
func (s *Server) ended(err error) {
	if !s.stopping.Load() {
		s.log.Error("private PostgreSQL ended", "dir", s.home.dir, "error", err)
	}
	if filepath.Dir(s.socket) != s.home.dir {
		_ = os.RemoveAll(s.socket) // a folder of ours in the temp folder; the next start makes it again
	}
	s.lock.release()
}

func (s *Server) dsn(user, name string) string {
	q := url.Values{"host": {s.socket}, "port": {port}, "user": {user}, "sslmode": {"disable"}}
	return (&url.URL{Scheme: "postgres", Path: "/" + name, RawQuery: q.Encode()}).String()
}
