package flow

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckAddress refuses what cannot be a resource's address.
func CheckAddress(field, address string) error {
	switch {
	case address == "":
		return Invalidf("invalid-address", "%s is empty: give a resource's address, such as module.net.aws_vpc.main[0]", field)
	case !utf8.ValidString(address):
		return Invalidf("invalid-address", "%s is not valid UTF-8", field)
	case len(address) > MaxLine:
		return Invalidf("invalid-address", "%s has more than %d bytes", field, MaxLine)
	case strings.ContainsFunc(address, unicode.IsControl):
		return Invalidf("invalid-address", "%s %s has a control character", field, quote(address))
	}
	return nil
}

// Resource is the id of the job of a resource that a step applies or reads.
func (n Names) Resource(step, address string) string { return n.Job(ResourceName(step, address)) }

// The longest part of a resource's address that its job's id shows, in characters and in
// bytes: two such ids have room in one key of the database.
const (
	maxAddress      = 380
	maxAddressBytes = 1150
)

// ResourceName is the job name of a resource of a step. Of an address that is too long for
// an id, its beginning and a digest of the whole are taken.
func ResourceName(step, address string) string {
	if end := addressEnd(address); end < len(address) {
		sum := sha256.Sum256([]byte(address))
		address = address[:end] + "…" + hex.EncodeToString(sum[:8])
	}
	return step + "/" + address
}

// addressEnd is where an address is cut, at a character's boundary.
func addressEnd(address string) int {
	n := 0
	for at, r := range address {
		if n++; n > maxAddress || at+utf8.RuneLen(r) > maxAddressBytes {
			return at
		}
	}
	return len(address)
}
