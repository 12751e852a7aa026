package upstream

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/openova-io/provflow/service/flow"
)

// hostPrefix stands before a deployment's name.
const hostPrefix = "openova-flow."

// Target is one upstream. The zero Target is none.
type Target struct {
	base    string // without a slash at the end
	host    string // what has a breaker of its own
	trusted bool   // the operator's word, not a deployment's
}

// Operator gives the upstream the operator named; it is asked for any flow.
func (c *Client) Operator() (t Target, ok bool) {
	if c == nil {
		return Target{}, false
	}
	return c.operator, c.operator != Target{}
}

// Of gives the upstream for a deployment whose recorded name is fqdn: the operator's
// where there is one, else the deployment's own where its name is allowed.
func (c *Client) Of(fqdn string) (t Target, ok bool) {
	if t, ok = c.Operator(); ok || c == nil || !c.allowed(fqdn) {
		return t, ok
	}
	host := hostPrefix + strings.ToLower(fqdn)
	return Target{base: "https://" + host + c.port, host: host}, true
}

// allowed looks at the name again, however it came into the record.
func (c *Client) allowed(fqdn string) bool {
	if flow.CheckHostName(hostPrefix+fqdn) != nil || flow.CheckHostName(fqdn) != nil {
		return false
	}
	name := strings.ToLower(fqdn)
	within := func(zone string) bool { return name == zone || strings.HasSuffix(name, "."+zone) }
	return len(c.zones) == 0 || slices.ContainsFunc(c.zones, within)
}

// url is where something of a flow is. An id that is a path step of its own would lead
// elsewhere, however it is escaped: some servers unescape before they clean a path.
func (t Target) url(flowID, part string) (string, error) {
	if flowID == "." || flowID == ".." {
		return "", fmt.Errorf("upstream: no flow can be asked for by the id %q", flowID)
	}
	return t.base + "/v1/flows/" + strings.ReplaceAll(url.PathEscape(flowID), ":", "%3A") + part, nil
}

// parseOperator reads the operator's URL; none where it is empty.
func parseOperator(s string) (Target, error) {
	if s == "" {
		return Target{}, nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https":
		return Target{}, fmt.Errorf("OPENOVA_FLOW_SERVER_URL: use a URL such as https://flow.example.com")
	case u.User != nil:
		return Target{}, fmt.Errorf("OPENOVA_FLOW_SERVER_URL: no user or password is sent; leave it out")
	case u.RawQuery != "" || u.Fragment != "":
		return Target{}, fmt.Errorf("OPENOVA_FLOW_SERVER_URL: give it without a query or a fragment")
	}
	return Target{base: strings.TrimRight(u.Scheme+"://"+u.Host+u.EscapedPath(), "/"), host: u.Host, trusted: true}, nil
}

// parseZones reads domain names, which stand for themselves and all below them.
func parseZones(list []string) (zones []string, err error) {
	for _, s := range list {
		zone := strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(s), "*"), "."))
		if zone == "" {
			continue
		}
		if flow.CheckHostName("x."+zone) != nil {
			return nil, fmt.Errorf("PROVFLOW_UPSTREAM_ZONES: %q is no domain name; use names such as example.com", s)
		}
		zones = append(zones, zone)
	}
	return zones, nil
}

// parsePrefixes reads ranges of addresses; a single address is a range of one.
func parsePrefixes(list []string) (all []netip.Prefix, err error) {
	for _, s := range list {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		p, err := netip.ParsePrefix(s)
		if ip, alone := netip.ParseAddr(s); alone == nil {
			p, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("PROVFLOW_UPSTREAM_ALLOW_CIDRS: %q is no range; use such as 10.20.0.0/16", s)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}
