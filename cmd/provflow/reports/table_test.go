package reports

import (
	"strings"
	"testing"

	"github.com/rivo/uniseg"
	"pgregory.net/rapid"
)

// What can be spared goes first, then the widest text gets narrower; paper of no width has
// room for all.
func TestATableFitsItsPaper(t *testing.T) {
	t.Parallel()
	for paper, want := range map[int]string{
		0:  "NAME             ONE  TWO  REASON\na-long-name-of…    1    2  none\n",
		33: "NAME             ONE  TWO  REASON\na-long-name-of…    1    2  none\n",
		32: "NAME             ONE  REASON\na-long-name-of…    1  none\n\nLeft out, for want of room: two.\n",
		20: "NAME          REASON\na-long-name…  none\n\nLeft out, for want of room: two, one.\n",
	} {
		table := table{columns: []string{"name", " one", " two", "reason"}, spare: []int{2, 1}, lines: [][]string{{"a-long-name-of…", "1", "2", "none"}}}
		var got strings.Builder
		if err := table.write(&got, paper); err != nil || got.String() != want {
			t.Errorf("on %d:\n%s%v", paper, got.String(), err)
		}
	}
}

func TestNoLineIsWiderThanThePaper(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		table := table{columns: []string{"name", " number"}}
		for range rapid.IntRange(0, 5).Draw(rt, "lines") {
			table.add(rapid.String().Draw(rt, "name"), "12345")
		}
		paper := rapid.IntRange(leastCell+2+len("number"), 80).Draw(rt, "paper")
		var got strings.Builder
		if err := table.write(&got, paper); err != nil {
			rt.Fatal(err)
		}
		for line := range strings.Lines(got.String()) {
			if w := uniseg.StringWidth(strings.TrimRight(line, "\n")); w > paper {
				rt.Errorf("%d cells of %d: %q", w, paper, line)
			}
		}
	})
}
