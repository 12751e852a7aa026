package demo

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// screen shows what has been posted.
type screen interface {
	show(m moment)
	close()
}

func newScreen(out io.Writer, p plan) screen {
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return newBar(out, p)
	}
	return &lines{out: out, told: teller{}}
}

// lines writes one line for each step that begins and each state of a component.
type lines struct {
	out  io.Writer
	told teller
}

func (l *lines) show(m moment) {
	for _, e := range m.events {
		if what := l.told.tell(e); what != "" {
			fmt.Fprintf(l.out, "%s  %s\n", clock(m.at), what)
		}
	}
}

func (l *lines) close() {}

// clock writes a time of the plan as minutes and seconds.
func clock(at time.Duration) string {
	s := int(at.Seconds())
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// bar draws a progress bar over the plan's time, with the last thing that happened
// beside it and every failure above it.
type bar struct {
	out       io.Writer
	bar       *progressbar.ProgressBar
	told      teller
	installed int
	total     int
}

const barRefresh = 65 * time.Millisecond

func newBar(out io.Writer, p plan) *bar {
	b := progressbar.NewOptions64(int64(p.length()/time.Second),
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(barRefresh),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionShowDescriptionAtLineEnd(),
	)
	return &bar{out: out, bar: b, told: teller{}, total: p.components()}
}

func (b *bar) show(m moment) {
	for _, e := range m.events {
		if e.State == installed {
			b.installed++
		}
		what := b.told.tell(e)
		if what == "" {
			continue
		}
		if e.State == failed || e.State == degraded {
			_ = b.bar.Clear() // of a drawing; there is nobody to tell
			fmt.Fprintf(b.out, "%s  %s\n", clock(m.at), what)
		}
		b.bar.Describe(fmt.Sprintf("%2d/%d installed · %-34.34s", b.installed, b.total, what))
	}
	_ = b.bar.Set64(int64(m.at / time.Second))
}

func (b *bar) close() {
	_ = b.bar.Exit()
	fmt.Fprintln(b.out)
}

// teller says in a few words what happened. It remembers which steps have begun: what
// they say later is of no news.
type teller map[string]bool

func (t teller) tell(e event) string {
	switch e.Phase {
	case phaseTofu, phaseLog:
		return ""
	case phaseComponent:
		if e.State == pending {
			return ""
		}
		return strings.TrimPrefix(e.Component, "bp-") + " " + e.State
	}
	if t[e.Phase] {
		return ""
	}
	t[e.Phase] = true
	return e.Phase + " begins"
}

// components counts the components a plan speaks of.
func (p plan) components() int {
	seen := map[string]bool{}
	for _, m := range p {
		for _, e := range m.events {
			if e.Component != "" {
				seen[e.Component] = true
			}
		}
	}
	return len(seen)
}
