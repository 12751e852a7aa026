package gantt

import (
	"fmt"
	"strings"

	"github.com/rivo/uniseg"
)

// path says what decided the end, in words.
func (s *sheet) path() {
	steps := s.chart.path.Rows
	if len(steps) == 0 {
		return
	}
	s.WriteString("\n")
	s.say(blue, fmt.Sprintf("%s Critical path: %s ran and %s idle, in %s", s.signs.mark, Duration(s.chart.path.Ran), Duration(s.chart.path.Idle),
		plural(len(steps), "attempt", "attempts")))
	var names []string
	for i, r := range steps {
		if i == 0 || r.JobID != steps[i-1].JobID {
			names = append(names, s.fit(r.Label, mostLabel))
		}
	}
	s.list(plain, "  ", s.signs.arrow, names)
}

// list writes words one after another, on as many lines as they need.
func (s *sheet) list(tint, indent, separator string, words []string) {
	line := indent
	for i, word := range words {
		if i+1 < len(words) {
			word += separator
		}
		if line != indent && uniseg.StringWidth(strings.TrimRight(line+word, " ")) > s.width() {
			s.say(tint, line)
			line = indent
		}
		line += word
	}
	s.say(tint, line)
}

// fit shortens a label; where only ASCII is shown, what is none becomes `?`.
func (s *sheet) fit(text string, cells int) string {
	if !s.paper.ASCII {
		return Shorten(text, cells)
	}
	text = strings.Map(func(r rune) rune {
		if r > '~' {
			return '?'
		}
		return r
	}, strings.ReplaceAll(clean(text), "·", "-"))
	if len(text) > cells {
		text = text[:cells-1] + s.signs.more
	}
	return text
}

func (s *sheet) pad(text string, cells int) string {
	return text + strings.Repeat(" ", max(cells-uniseg.StringWidth(text), 0))
}

// say writes a line that is no longer than the paper is wide.
func (s *sheet) say(tint, text string) {
	s.colour(tint, s.fit(strings.TrimRight(text, " "), s.width()))
	s.WriteString("\n")
}

func (s *sheet) colour(code, text string) {
	if s.paper.Colour && code != plain && strings.TrimSpace(text) != "" {
		text = "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	s.WriteString(text)
}

func (s *sheet) width() int { return max(s.paper.Width, leastWidth) }
