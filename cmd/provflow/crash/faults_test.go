//go:build crash

package crash

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// fault breaks something and mends it again.
type fault struct {
	name string
	do   func(f *fleet, r *rand.Rand)
}

// held is how long something stays broken.
func held(r *rand.Rand) { pause(r, 200*time.Millisecond, 1400*time.Millisecond) }

func pause(r *rand.Rand, least, most time.Duration) {
	time.Sleep(least + time.Duration(r.Int64N(int64(most-least))))
}

func (f *fleet) any(r *rand.Rand) *replica { return f.replicas[r.IntN(len(f.replicas))] }

var faults = []fault{
	{"kill -9", func(f *fleet, r *rand.Rand) {
		victim := f.any(r)
		victim.kill()
		held(r)
		f.restart(victim)
	}},
	{"SIGSTOP", func(f *fleet, r *rand.Rand) {
		victim := f.any(r)
		victim.signal(syscall.SIGSTOP)
		held(r)
		victim.signal(syscall.SIGCONT)
	}},
	{"SIGTERM", func(f *fleet, r *rand.Rand) {
		victim := f.any(r)
		if err := victim.terminate(patience); err != nil {
			f.t.Error(err)
		}
		f.restart(victim)
	}},
	{"Postgres immediate stop", func(f *fleet, r *rand.Rand) {
		server := f.server()
		_ = syscall.Kill(f.postmaster(), syscall.SIGQUIT)
		<-server.Done()
		held(r)
		_ = server.Stop(context.Background()) // clears up after the end
		f.startPostgres()
	}},
	{"cut", func(f *fleet, r *rand.Rand) {
		for range 3 {
			f.any(r).proxy.Cut()
			time.Sleep(50 * time.Millisecond)
		}
	}},
	{"black hole", func(f *fleet, r *rand.Rand) {
		p := f.any(r).proxy
		p.Swallow(true)
		held(r)
		p.Swallow(false)
	}},
	{"listener killed", func(f *fleet, _ *rand.Rand) { f.killListeners() }},
	{"reconnect storm", func(f *fleet, _ *rand.Rand) { f.storm() }},
}

func (f *fleet) restart(r *replica) {
	if err := r.start(); err != nil {
		f.t.Errorf("starting replica %s again: %v", r.name, err)
	}
}

func (f *fleet) killListeners() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, f.server().DSN())
	if err != nil {
		return // it is being started
	}
	defer conn.Close(ctx)
	_, _ = conn.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'provflow-listener'`)
}

// tally counts faults by name.
type tally map[string]int

func (t tally) total() (n int) {
	for _, c := range t {
		n += c
	}
	return n
}

func (t tally) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(t)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, t[name]))
	}
	return strings.Join(parts, ", ")
}

// some are the faults of those names.
func some(names ...string) (chosen []fault) {
	for _, fault := range faults {
		if slices.Contains(names, fault.name) {
			chosen = append(chosen, fault)
		}
	}
	return chosen
}

// leastFaults is how many faults a minute must hold.
const leastFaults = 30

// breakThings has one fault after another, the order shuffled, each kind as often as any other.
// A machine that is too slow for leastFaults within the time gets the time it needs for them.
func (f *fleet) breakThings(r *rand.Rand, faults []fault, lasting time.Duration) tally {
	done := tally{}
	var queue []int
	least := int(lasting.Minutes() * leastFaults)
	for end := time.Now().Add(lasting); time.Now().Before(end) || done.total() < least; {
		if len(queue) == 0 {
			queue = r.Perm(len(faults))
		}
		next := faults[queue[0]]
		queue = queue[1:]
		next.do(f, r)
		done[next.name]++
		pause(r, 100*time.Millisecond, 400*time.Millisecond)
	}
	return done
}
