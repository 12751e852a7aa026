package flow

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	// MaxMeta is the largest meta of a deployment, in bytes of compact JSON.
	MaxMeta = 64 << 10
	// maxRegions bounds a deployment's regions.
	maxRegions = 64
)

var (
	providerForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,31}$`)
	hostLabel    = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
	// A name ends in letters; what ends in a number is read as an address by some.
	topLabel = regexp.MustCompile(`^[A-Za-z]`)
)

// DeploymentRecord is a deployment's record and how its flow stands.
type DeploymentRecord struct {
	Deployment
	HasFlow bool
	Status  Status // Pending where there is no flow
	Version int64  // of the flow; 0 where there is none
}

// DeploymentPlace is a place in the list of all deployments, newest first; the zero
// place is before the newest.
type DeploymentPlace struct {
	CreatedAt time.Time
	ID        string
}

// Primary is the deployment's primary region; "" where none is recorded.
func (d Deployment) Primary() string { return primaryOf(d.Regions) }

// Primary is the primary region that the change records, where it records regions.
func (c DeploymentChange) Primary() string { return primaryOf(c.Regions) }

func primaryOf(regions []string) string {
	if len(regions) == 0 {
		return ""
	}
	return regions[0]
}

// Place is where the deployment stands in the list.
func (d Deployment) Place() DeploymentPlace { return DeploymentPlace{d.CreatedAt, d.ID} }

// DeploymentChange is what somebody says of a deployment. What is nil stays as it is
// recorded; what is empty is cleared.
type DeploymentChange struct {
	SovereignFQDN *string
	Provider      *string
	Regions       []string
	Meta          json.RawMessage
}

// Check refuses what cannot be recorded and says which field, and makes the rest fit for
// the database. The provider's and the host's case are kept as given.
func (c *DeploymentChange) Check() error {
	if c.SovereignFQDN != nil && *c.SovereignFQDN != "" {
		if err := CheckHostName(*c.SovereignFQDN); err != nil {
			return err
		}
	}
	if p := c.Provider; p != nil && *p != "" && !providerForm.MatchString(*p) {
		return Invalidf("invalid-provider", "provider %s: use 1 to 32 of a-z, 0-9 and '-', such as hetzner", quote(*p))
	}
	if err := checkRegions(c.Regions); err != nil {
		return err
	}
	return c.cleanMeta()
}

func checkRegions(regions []string) error {
	if len(regions) > maxRegions {
		return Invalidf("invalid-region", "regions: %d are too many; give at most %d", len(regions), maxRegions)
	}
	for i, r := range regions {
		if r == "" {
			return Invalidf("invalid-region", "regions[%d] is empty; name it, or leave it out", i)
		}
		if err := CheckRegion(r); err != nil {
			return err
		}
		if slices.Contains(regions[:i], r) {
			return Invalidf("invalid-region", "regions: %s is there twice", quote(r))
		}
	}
	return nil
}

// jsonEscape matches what a backslash begins in JSON.
var jsonEscape = regexp.MustCompile(`\\(?:u0000|.)`)

// cleanMeta makes the meta compact, so that it is the same however it was laid out, and drops
// NULs, with which the database cannot read a text.
func (c *DeploymentChange) cleanMeta() error {
	if c.Meta == nil {
		return nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, bytes.ToValidUTF8(c.Meta, []byte("\uFFFD"))); err != nil {
		return Invalidf("invalid-meta", "meta is not JSON: %v", err)
	}
	switch b := jsonEscape.ReplaceAllFunc(compact.Bytes(), dropNUL); {
	case b[0] != '{':
		return Invalidf("invalid-meta", "meta is not a JSON object")
	case len(b) > MaxMeta:
		return Invalidf("invalid-meta", "meta has %d bytes; at most %d are kept", len(b), MaxMeta)
	default:
		c.Meta = b
	}
	return nil
}

func dropNUL(escape []byte) []byte {
	if string(escape) == `\u0000` {
		return nil
	}
	return escape
}

// CheckHostName refuses what is not a fully qualified host name of ASCII letters: an
// address, a port, a user, a path, a trailing dot, a single label.
func CheckHostName(name string) error {
	labels := strings.Split(name, ".")
	bad := func(l string) bool { return !hostLabel.MatchString(l) }
	if len(name) > 253 || len(labels) < 2 || slices.ContainsFunc(labels, bad) || !topLabel.MatchString(labels[len(labels)-1]) {
		return Invalidf("invalid-fqdn", "sovereignFQDN %s: use a host name such as cluster.example.com, without scheme, port or path", quote(name))
	}
	return nil
}
