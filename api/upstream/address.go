package upstream

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// special are the ranges in which no upstream is looked for: they are this host, its
// network, its cloud, or nobody's. From IANA's registries of special-purpose addresses.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
	"192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	// A public address by its number, but answered by the host below an Azure machine.
	"168.63.129.16/32",
	// IETF assignments (Teredo, benchmarking, ORCHID among them), documentation, 6to4, AS112.
	"2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
)

// global is all of IPv6 that is given out for hosts on the Internet. Outside it lie ::1,
// IPv4-mapped and NAT64 addresses, unique local, link-local and multicast ones.
var global = netip.MustParsePrefix("2000::/3")

// guard decides which addresses may be dialled.
type guard struct{ allow []netip.Prefix }

// check refuses an address that is not on the public Internet and not allowed. A mapped
// address is not taken for the one in it: whoever means that one can say so.
func (g guard) check(ip netip.Addr) error {
	ip = ip.WithZone("")
	contains := func(p netip.Prefix) bool { return p.Contains(ip) }
	switch {
	case slices.ContainsFunc(g.allow, contains):
		return nil
	case !ip.IsValid(), ip.Is6() && !global.Contains(ip), slices.ContainsFunc(special, contains):
		return fmt.Errorf("the address %s is not on the public Internet; allow it with PROVFLOW_UPSTREAM_ALLOW_CIDRS", ip)
	}
	return nil
}

// control is for net.Dialer: it sees each address just before it is dialled.
func (g guard) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("the address %q cannot be read: %w", address, err)
	}
	return g.check(at.Addr())
}

func prefixes(list ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(list))
	for i, s := range list {
		all[i] = netip.MustParsePrefix(s)
	}
	return all
}
