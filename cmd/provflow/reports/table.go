package reports

import (
	"io"
	"slices"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/openova-io/provflow/service/timeline/gantt"
)

const (
	mostCell  = 48 // the widest a cell of text gets
	leastCell = 12 // and what is left of it where there is no room
)

// table is lines of cells. A column whose name begins with a space is of numbers, which
// stand at the right.
type table struct {
	columns []string
	spare   []int // columns that are left out where there is no room, the first one first
	lines   [][]string
}

func (t *table) add(cells ...string) {
	for i, c := range cells {
		cells[i] = gantt.Shorten(c, mostCell)
	}
	t.lines = append(t.lines, cells)
}

// write prints the table, each column as wide as it needs, two spaces between; on paper
// that is narrower, without what can be spared. Paper of no width is as wide as it takes.
func (t *table) write(out io.Writer, paper int) error {
	heads := make([]string, len(t.columns))
	for i, c := range t.columns {
		heads[i] = strings.ToUpper(strings.TrimSpace(c))
	}
	all := append([][]string{heads}, t.lines...)
	widths := widthsOf(all)
	shown, left := t.fit(widths, paper)
	var text strings.Builder
	for _, line := range all {
		text.WriteString(strings.TrimRight(t.row(line, shown, widths), " ") + "\n")
	}
	if len(left) > 0 {
		text.WriteString("\nLeft out, for want of room: " + strings.Join(left, ", ") + ".\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func widthsOf(lines [][]string) []int {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], uniseg.StringWidth(cell))
		}
	}
	return widths
}

// fit says which columns there is room for, and what those it leaves out are called. Where
// that does not do, the widest column of text gets narrower.
func (t *table) fit(widths []int, paper int) (shown []int, left []string) {
	over := -2 - paper
	for i, w := range widths {
		shown = append(shown, i)
		over += w + 2
	}
	if paper == 0 {
		return shown, nil
	}
	for _, i := range t.spare {
		if over <= 0 {
			break
		}
		shown = slices.DeleteFunc(shown, func(s int) bool { return s == i })
		left = append(left, strings.TrimSpace(t.columns[i]))
		over -= widths[i] + 2
	}
	widest := 0 // the first column is of text
	for _, i := range shown {
		if t.isText(i) && widths[i] > widths[widest] {
			widest = i
		}
	}
	if over > 0 {
		widths[widest] = max(widths[widest]-over, leastCell)
	}
	return shown, left
}

func (t *table) isText(i int) bool { return !strings.HasPrefix(t.columns[i], " ") }

func (t *table) row(cells []string, shown, widths []int) string {
	var row []string
	for _, i := range shown {
		cell := gantt.Shorten(cells[i], widths[i])
		space := strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell))
		if t.isText(i) {
			row = append(row, cell+space)
		} else {
			row = append(row, space+cell)
		}
	}
	return strings.Join(row, "  ")
}
