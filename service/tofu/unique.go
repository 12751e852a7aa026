package tofu

import (
	"hash/maphash"
	"time"
)

// unique remembers what was sent, by a hash of 64 bits: some dozens of bytes a line, where
// the lines themselves would be a log kept in memory. Two that only look equal cost the
// second a microsecond.
type unique map[uint64]struct{}

var uniqueSeed = maphash.MakeSeed()

// again reports whether an equal event was sent before, and remembers this one.
func (u unique) again(at time.Time, e Event) bool {
	h := maphash.Hash{}
	h.SetSeed(uniqueSeed)
	for _, s := range []string{e.Phase, e.Level, e.Message, e.Component, e.State, e.Step, e.Action} {
		h.WriteString(s)
		h.WriteByte(0)
	}
	maphash.WriteComparable(&h, at.UnixMicro())
	sum := h.Sum64()
	if _, sent := u[sum]; sent {
		return true
	}
	u[sum] = struct{}{}
	return false
}
