package flow

import (
	"strconv"
	"strings"
)

// Cursor is a point in the history of a flow, written `<epoch>.<version>`. The epoch
// changes when the flow is deleted and made again, and when the database continues
// another history (restore, failover), so that a version is never mistaken for
// another one with the same number.
type Cursor struct {
	Epoch   string
	Version int64
}

// NoCursor stands before everything; nothing is known at it.
var NoCursor = Cursor{}

// String writes the cursor as it travels in `id:` and `ETag`.
func (c Cursor) String() string {
	return c.Epoch + "." + strconv.FormatInt(c.Version, 10)
}

// ParseCursor reads a cursor a client sent. Whatever is not one yields NoCursor,
// which is answered with a snapshot: a foreign cursor is never an error.
func ParseCursor(s string) Cursor {
	epoch, version, ok := strings.Cut(s, ".")
	v, err := strconv.ParseInt(version, 10, 64)
	if !ok || epoch == "" || err != nil || v < 0 {
		return NoCursor
	}
	return Cursor{Epoch: epoch, Version: v}
}
