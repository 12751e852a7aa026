package listen

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxChannel is the longest name of a channel, in bytes: NOTIFY refuses a longer one and
// LISTEN silently cuts it.
const maxChannel = 63

const channelSuffix = ".flow_changed"

// Channel is the channel of the flows of a schema; two schemas never share one. It is a
// name, not yet quoted.
func Channel(schema string) string {
	if schema == "" {
		schema = "public"
	}
	if len(schema)+len(channelSuffix) > maxChannel {
		sum := sha256.Sum256([]byte(schema))
		mark := "~" + hex.EncodeToString(sum[:8])
		schema = strings.ToValidUTF8(schema[:maxChannel-len(channelSuffix)-len(mark)], "") + mark
	}
	return schema + channelSuffix
}
