package bridge

import (
	"strconv"
	"testing"
	"time"
)

// A body that goes on and on holds no more and no more, and repetitions that are not far
// apart are still told apart.
func TestFingerprintsOfAnEndlessBodyAreBounded(t *testing.T) {
	t.Parallel()
	const lines, most = 200_000, 2 << 16
	begun := time.UnixMilli(1_800_000_000_000)
	first, again := NewFingerprints(""), NewFingerprints("")
	event := func(i int) Event {
		return Event{Time: begun.Add(time.Duration(i)), Phase: "tofu", Message: strconv.Itoa(i)}
	}
	for i := range lines {
		if first.Of(event(i)) != again.Of(event(i)) {
			t.Fatalf("line %d has another fingerprint when the body is sent again", i)
		}
		if i%1000 == 0 {
			before := event(max(i-10_000, 0))
			if once, twice := first.Of(before), first.Of(before); once == twice {
				t.Fatalf("line %d: a repetition is not told from the one before", i)
			}
		}
		if held := len(first.recent) + len(first.past); held > most {
			t.Fatalf("%d held after %d lines", held, i)
		}
		if i%1000 == 0 { // keep both in step
			again.Of(event(max(i-10_000, 0)))
			again.Of(event(max(i-10_000, 0)))
		}
	}
}
