package flow

import "time"

// LogPage is some consecutive lines of an execution's log, and how far the log goes.
type LogPage struct {
	FlowID     string
	Status     Status    // of the execution
	FinishedAt time.Time // zero while it is open
	Lines      []LogLine
	Next       int64 // the number from which the next page is to be read
	Total      int64 // lines the log has
}

// LogLineWire is a line as it travels: in a page, and as the data of an event.
type LogLineWire struct {
	LineNumber int64     `json:"lineNumber"`
	Timestamp  time.Time `json:"timestamp"`
	Level      string    `json:"level"`
	Message    string    `json:"message"`
}

// Wire gives the line as it travels.
func (l LogLine) Wire() LogLineWire {
	return LogLineWire{LineNumber: l.Number, Timestamp: l.At.UTC(), Level: l.Level, Message: l.Message}
}
