package sse

import (
	"bytes"
	"sync"
)

// buffers are shared by all streams: most are silent, and each would hold one of its own.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// keepBuffer is the largest buffer that is kept: one that held a snapshot should not stay.
const keepBuffer = 64 << 10

func taken() *bytes.Buffer { return buffers.Get().(*bytes.Buffer) }

func giveBack(b *bytes.Buffer) {
	if b.Cap() <= keepBuffer {
		b.Reset()
		buffers.Put(b)
	}
}
