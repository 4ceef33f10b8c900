package handlers

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientAddress is where a request comes from: its peer, or, where the peer is a proxy that is trusted, whom the proxy names in
// X-Forwarded-For. What stands before the first name that no trusted proxy has written may be anybody's invention.
func clientAddress(r *http.Request, trustedProxies []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	address := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		trusted := slices.ContainsFunc(trustedProxies, func(proxies netip.Prefix) bool { return proxies.Contains(address) })
		if !trusted {
			break
		}
		named, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		address = named.Unmap().WithZone("")
	}
	return address
}
