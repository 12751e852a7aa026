package reports

import (
	"io"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/openova-io/provflow/service/timeline/gantt"
)

// mostCell is the widest a cell of text gets.
const mostCell = 48

// table is lines of cells. A column whose name begins with a space is of numbers, which
// stand at the right.
type table struct {
	columns []string
	lines   [][]string
}

func (t *table) add(cells ...string) {
	for i, c := range cells {
		cells[i] = gantt.Shorten(c, mostCell)
	}
	t.lines = append(t.lines, cells)
}

// write prints the table, each column as wide as it needs, two spaces between.
func (t *table) write(out io.Writer) error {
	heads, widths := make([]string, len(t.columns)), make([]int, len(t.columns))
	for i, c := range t.columns {
		heads[i] = strings.ToUpper(strings.TrimSpace(c))
	}
	all := append([][]string{heads}, t.lines...)
	for _, line := range all {
		for i, cell := range line {
			widths[i] = max(widths[i], uniseg.StringWidth(cell))
		}
	}
	var text strings.Builder
	for _, line := range all {
		var row strings.Builder
		for i, cell := range line {
			space := strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell))
			if strings.HasPrefix(t.columns[i], " ") {
				cell = space + cell
			} else {
				cell += space
			}
			if i > 0 {
				row.WriteString("  ")
			}
			row.WriteString(cell)
		}
		text.WriteString(strings.TrimRight(row.String(), " ") + "\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}
