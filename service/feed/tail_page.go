package feed

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/openova-io/provflow/service/flow"
)

// TailLine is a line of a log, rendered once for all who follow it.
type TailLine struct {
	Number int64
	Data   []byte
}

// tailPage is all lines whose numbers are at least from and less than next. It is not
// changed once made.
type tailPage struct {
	from, next int64
	lines      []TailLine
	bytes      int
}

func renderPage(from int64, p flow.LogPage) (*tailPage, error) {
	page := &tailPage{from: from, next: p.Next, lines: make([]TailLine, len(p.Lines))}
	for i, l := range p.Lines {
		data, err := json.Marshal(l.Wire())
		if err != nil {
			return nil, fmt.Errorf("rendering line %d: %w", l.Number, err)
		}
		page.lines[i] = TailLine{l.Number, data}
		page.bytes += len(data)
	}
	return page, nil
}

func (p *tailPage) covers(n int64) bool { return p.from <= n && n < p.next }

// cut gives the lines from a number on, not many more bytes than asked for and at least
// one if there is one, and the number that comes after them.
func (p *tailPage) cut(at int64, most int) (lines []TailLine, next int64) {
	i, _ := slices.BinarySearchFunc(p.lines, at, func(l TailLine, n int64) int { return int(l.Number - n) })
	rest := p.lines[i:]
	for size, n := 0, 0; n < len(rest); n++ {
		if size += len(rest[n].Data); size >= most {
			return rest[:n+1], rest[n].Number + 1
		}
	}
	return rest, p.next
}

// keptPages bounds the pages kept of one log: each is a poll's worth, or a read's.
const keptPages = 64

// tailPages are the pages lately read, oldest first.
type tailPages struct {
	most  int // bytes
	bytes int
	pages []*tailPage
}

// add keeps a page with something in it; the newest is kept however large it is.
func (k *tailPages) add(p *tailPage) {
	if p.from >= p.next {
		return
	}
	k.pages = append(k.pages, p)
	k.bytes += p.bytes
	for len(k.pages) > 1 && (k.bytes > k.most || len(k.pages) > keptPages) {
		k.bytes -= k.pages[0].bytes
		k.pages[0] = nil
		k.pages = k.pages[1:]
	}
}

// covering finds a page with that line; the newest first, where most followers are.
func (k *tailPages) covering(n int64) *tailPage {
	for _, p := range slices.Backward(k.pages) {
		if p.covers(n) {
			return p
		}
	}
	return nil
}
