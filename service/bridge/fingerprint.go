package bridge

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"iter"
	"strconv"
	"strings"

	"github.com/openova-io/provflow/service/flow"
)

// Fingerprints gives each event of one request its fingerprint: its content, its time
// included, and how often the same one stood before it in the request. A request with
// an idempotency key has fingerprints of its own, so that another key is another write.
//
// A body may be written for ever, so what was seen long ago is forgotten: counts are kept of
// at least the last fingerprintsKept different events. One that comes again after so many
// others, to the microsecond at the same time, is taken for a repetition of the first. What
// is forgotten depends on the body alone: sent again, it has the same fingerprints.
type Fingerprints struct {
	key          string
	recent, past map[flow.Fingerprint]uint32 // how often each was seen; past is forgotten next
}

// fingerprintsKept makes for a few megabytes in each open request at the most.
const fingerprintsKept = 1 << 16

// NewFingerprints begins a request; key may be empty.
func NewFingerprints(key string) *Fingerprints {
	return &Fingerprints{key: key, recent: map[flow.Fingerprint]uint32{}}
}

// Of gives the next event's fingerprint.
func (f *Fingerprints) Of(e Event) flow.Fingerprint {
	content := e.fingerprint(f.key, 0)
	n, recent := f.recent[content]
	if !recent {
		n = f.past[content]
	}
	if !recent && len(f.recent) == fingerprintsKept {
		f.recent, f.past = map[flow.Fingerprint]uint32{}, f.recent
	}
	f.recent[content] = n + 1
	if n == 0 {
		return content
	}
	return e.fingerprint(f.key, n)
}

func (e Event) fingerprint(key string, before uint32) (sum flow.Fingerprint) {
	h := sha256.New()
	for _, s := range []string{key, e.Phase, e.Level, e.Message, e.Component, e.State, e.Region, e.ChartVersion} {
		writeText(h, s)
	}
	writeNumber(h, uint64(e.Time.UnixMicro()))
	writeNumber(h, uint64(before))
	if e.DependsOn != nil { // absent is not empty
		writeNumber(h, uint64(len(e.DependsOn)))
		for _, d := range e.DependsOn {
			writeText(h, d)
		}
	}
	if e.Phase == phaseResource { // the others' stay what they were before there were resources
		writeText(h, e.Step)
		writeText(h, e.Action)
	}
	e.writeFiner(h)
	copy(sum[:], h.Sum(nil))
	return sum
}

// writeFiner adds what an event may say beyond that, each with its name, so that an event
// that says nothing of it has the fingerprint it always had.
func (e Event) writeFiner(h hash.Hash) {
	for name, text := range e.finerFields() {
		if text != "" {
			writeText(h, name)
			writeText(h, text)
		}
	}
	if e.Components != nil {
		writeNumber(h, uint64(len(e.Components)))
		for _, c := range e.Components {
			writeText(h, c)
		}
	}
}

// finerFields gives the fields in their order, as texts.
func (e Event) finerFields() iter.Seq2[string, string] {
	number := func(n int) string { return strings.TrimPrefix(strconv.Itoa(n), "0") }
	return func(yield func(name, text string) bool) {
		_ = yield("namespace", e.Namespace) && yield("finer", e.Finer) && yield("reason", e.Reason) &&
			yield("began", wireTime(e.Began)) && yield("revision", number(e.Revision)) &&
			yield("failures", number(e.Failures)) && yield("asOf", wireTime(e.AsOf))
	}
}

// writeText writes the length first, so that no two lists of texts read alike.
func writeText(h hash.Hash, s string) {
	writeNumber(h, uint64(len(s)))
	h.Write([]byte(s))
}

func writeNumber(h hash.Hash, n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	h.Write(b[:])
}
