package upstream

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestWhichAddressesAreDialled(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "172.15.255.255": true, "172.32.0.1": true, "100.63.255.255": true,
		"100.128.0.1": true, "192.0.1.1": true, "198.17.255.255": true, "198.20.0.1": true, "223.255.255.255": true,
		"2606:4700:4700::1111": true, "2a01:4f8::1": true, "2001:200::1": true, "2003::1": true,

		"0.0.0.0": false, "0.1.2.3": false, "127.0.0.1": false, "127.255.255.254": false, // this host
		"10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, // private
		"100.64.0.1": false, "100.100.100.200": false, "100.127.255.255": false, // carrier-grade
		"169.254.169.254": false, "169.254.0.1": false, "168.63.129.16": false, // link-local, a cloud's own
		"192.0.0.192": false, "192.0.2.1": false, "198.51.100.1": false, "203.0.113.9": false, // documentation
		"198.18.0.1": false, "198.19.255.255": false, "192.88.99.1": false, // benchmarking, 6to4 relays
		"224.0.0.1": false, "239.1.1.1": false, "240.0.0.1": false, "255.255.255.255": false, // multicast, reserved
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:8.8.8.8": false, "::127.0.0.1": false,
		"fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "fc00::1": false, "fd00:ec2::254": false, "ff02::1": false,
		"64:ff9b::a00:1": false, "64:ff9b:1::1": false, "100::1": false, // NAT64, discard
		"2001::1": false, "2001:2::1": false, "2001:20::1": false, "2001:db8::1": false, "3fff::1": false,
		"2002:a00:1::1": false, "2002:808:808::1": false, // 6to4
		"4000::1": false, "5f00::1": false,
	} {
		if err := (guard{}).check(netip.MustParseAddr(address)); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	if (guard{}).check(netip.Addr{}) == nil || (guard{}).control("tcp", "nonsense", nil) == nil {
		t.Error("what is no address is dialled")
	}
}

func TestWhatTheOperatorAllowsIsDialled(t *testing.T) {
	t.Parallel()
	allow, err := parsePrefixes([]string{"10.20.0.0/16", " 192.168.7.7 ", "fd00::/8", "64:ff9b::/96", ""})
	if err != nil {
		t.Fatal(err)
	}
	for address, ok := range map[string]bool{
		"10.20.255.1": true, "10.21.0.1": false, "192.168.7.7": true, "192.168.7.8": false, "fd12::1": true,
		"64:ff9b::a00:1": true, "::ffff:10.20.0.1": false, "fe80::1": false,
	} {
		if err := (guard{allow}).check(netip.MustParseAddr(address)); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A name is refused for what it means when it is dialled, and nobody hears of it.
func TestANameThatMeansAPrivateAddressIsNotDialled(t *testing.T) {
	t.Parallel()
	u := newStub(t, true, func(w http.ResponseWriter, _ *http.Request) { writeSnapshot(w) })
	names := startDNS(t, map[string][]string{
		"openova-flow.loopback.example.": {"127.0.0.1"},
		"openova-flow.six.example.":      {"::1"},
		"openova-flow.mapped.example.":   {"::ffff:127.0.0.1"},
		"openova-flow.both.example.":     {"127.0.0.1", "10.0.0.1", "::1"},
	})
	c := u.client(t, Options{Resolver: names})
	for _, name := range []string{"loopback.example", "six.example", "mapped.example", "both.example"} {
		_, err := c.Snapshot(t.Context(), mustTarget(t, c, name), "f")
		if err == nil || !strings.Contains(err.Error(), "not on the public Internet") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := u.conns.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
	c = u.client(t, Options{Resolver: names, AllowCIDRs: []string{"127.0.0.0/8"}})
	if a, err := c.Snapshot(t.Context(), mustTarget(t, c, "loopback.example"), "f"); err != nil || a.Status != http.StatusOK {
		t.Errorf("allowed: %v, %v", a, err)
	}
}

func TestACertificateIsAskedForUnlessItIsNotWanted(t *testing.T) {
	t.Parallel()
	u := newStub(t, true, func(w http.ResponseWriter, _ *http.Request) { writeSnapshot(w) })
	c := u.client(t, Options{Resolver: startDNS(t, map[string][]string{"openova-flow.x.example.": {"127.0.0.1"}}), AllowCIDRs: []string{"127.0.0.1"}})
	c.public.TLSClientConfig.InsecureSkipVerify = false
	_, err := c.Snapshot(t.Context(), mustTarget(t, c, "x.example"), "f")
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
}

func TestTheEnvironmentsProxyIsNotUsed(t *testing.T) {
	t.Parallel()
	c, err := New(Options{})
	if err != nil || c.public.Proxy != nil || c.trusted.Proxy != nil {
		t.Errorf("%v, a proxy is used", err)
	}
}

func TestWhichNamesHaveAnUpstream(t *testing.T) {
	t.Parallel()
	c, err := New(Options{Zones: []string{"Example.com", "*.zone.test", ""}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a.example.com":        "https://openova-flow.a.example.com",
		"A.Example.Com":        "https://openova-flow.a.example.com",
		"example.com":          "https://openova-flow.example.com",
		"x.y.zone.test":        "https://openova-flow.x.y.zone.test",
		"badexample.com":       "",
		"example.com.evil.org": "",
		"":                     "",
		"com":                  "",
		"127.0.0.1":            "",
		"a.example.com:8443":   "",
		"u@a.example.com":      "",
		"a.example.com/x":      "",
		"a.example.com#":       "",
		"a.example.com.":       "",
		strings.Repeat("a.", 125) + "example.com": "",
	} {
		got, ok := c.Of(name)
		if got.base != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", name, got.base, ok)
		}
	}
	if _, ok := (*Client)(nil).Of("a.example.com"); ok {
		t.Error("no client has an upstream")
	}
}

func TestWhereAFlowIsAskedFor(t *testing.T) {
	t.Parallel()
	c, err := New(Options{FlowServerURL: "http://flow:8080/base/"})
	if err != nil {
		t.Fatal(err)
	}
	target, ok := c.Of("any.example") // the operator's goes before
	if !ok {
		t.Fatal("none")
	}
	for id, want := range map[string]string{
		"d1:a": "http://flow:8080/base/v1/flows/d1%3Aa/stream", "a/../b?c#d e": "http://flow:8080/base/v1/flows/a%2F..%2Fb%3Fc%23d%20e/stream",
		"ü": "http://flow:8080/base/v1/flows/%C3%BC/stream", "..": "", ".": "",
	} {
		if got, err := target.url(id, "/stream"); got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %s, %v", id, got, err)
		}
	}
}

func TestWrongOptionsAreRefused(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{
		{FlowServerURL: "flow.example.com"}, {FlowServerURL: "ftp://x"}, {FlowServerURL: "https://"}, {FlowServerURL: "https://u:p@x"},
		{FlowServerURL: "https://x?y"}, {FlowServerURL: "https://x#y"}, {FlowServerURL: "http://a b"},
		{Zones: []string{"a b"}}, {Zones: []string{"10.0.0.0"}}, {AllowCIDRs: []string{"10.0.0.0/33"}}, {AllowCIDRs: []string{"x"}},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

// startDNS answers with those addresses for those names, and says of all others that
// they do not exist.
func startDNS(t *testing.T, names map[string][]string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		b := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(b)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				_, _ = conn.WriteTo(reply(b[:n], names), from)
			}
		}
	}()
	var d net.Dialer
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// reply answers a question for A or AAAA, as RFC 1035 says.
func reply(question []byte, names map[string][]string) []byte {
	end, name := 12, ""
	for question[end] != 0 {
		n := int(question[end])
		name += string(question[end+1:end+1+n]) + "."
		end += 1 + n
	}
	kind := question[end+2]
	end += 5
	answer := append(append([]byte{}, question[:2]...), 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0)
	answer = append(answer, question[12:end]...)
	addresses, known := names[name]
	if !known {
		answer[3] |= 3 // no such name
	}
	for _, a := range addresses {
		ip := netip.MustParseAddr(a)
		if ip.Is4() == (kind == 1) && (kind == 1 || kind == 28) {
			data := ip.AsSlice()
			answer = append(answer, 0xC0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, byte(len(data)))
			answer = append(answer, data...)
			answer[7]++
		}
	}
	return answer
}
