package console

import (
	"bufio"
	"io"
	"strings"
)

// Frame is one event of a stream; ID is empty where the event has none.
type Frame struct{ Event, ID, Data string }

// Read gives frame after frame until the stream ends or yield says that it is enough. The
// error is nil where the stream ended between two lines.
func Read(stream io.Reader, yield func(Frame) bool) error {
	in := bufio.NewReader(stream)
	var f Frame
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "event":
			f.Event = value
		case "id":
			f.ID = value
		case "data":
			f.Data += value
		case "":
			if f.Event != "" && !yield(f) {
				return nil
			}
			f = Frame{}
		}
	}
}
