package dev.geodesic.engine.egress;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.List;

/**
 * Addresses that are no ordinary hosts of the public internet: the IANA registries of special-purpose addresses (RFC 6890
 * and its successors), multicast, and every form of IPv6 address that leads to an IPv4 address written inside it.
 */
final class SpecialAddresses {

    private static final List<AddressBlock> V4 = blocks(
            "0.0.0.0/8", // this network
            "10.0.0.0/8", // private
            "100.64.0.0/10", // shared by carriers
            "127.0.0.0/8", // loopback
            "168.63.129.16/32", // a public address that serves machines of one cloud with their own data
            "169.254.0.0/16", // link-local, metadata services
            "172.16.0.0/12", // private
            "192.0.0.0/24", // protocol assignments
            "192.0.2.0/24", // documentation
            "192.31.196.0/24", // AS112
            "192.52.193.0/24", // AMT relays
            "192.88.99.0/24", // 6to4 relays
            "192.168.0.0/16", // private
            "192.175.48.0/24", // AS112
            "198.18.0.0/15", // benchmarks
            "198.51.100.0/24", // documentation
            "203.0.113.0/24", // documentation
            "224.0.0.0/4", // multicast
            "240.0.0.0/4"); // reserved, broadcast

    /** All that is global unicast lies in here; loopback, NAT64, unique-local, link-local, multicast do not. */
    private static final AddressBlock V6_UNICAST = AddressBlock.parse("2000::/3");

    private static final List<AddressBlock> V6 = blocks(
            "2001::/23", // protocol assignments: Teredo, benchmarks, ORCHID, AMT, AS112
            "2001:db8::/32", // documentation
            "2002::/16", // 6to4
            "2620:4f:8000::/48", // AS112
            "3fff::/20"); // documentation

    private SpecialAddresses() {
    }

    private static List<AddressBlock> blocks(String... texts) {
        return List.of(texts).stream().map(AddressBlock::parse).toList();
    }

    static boolean contains(InetAddress address) {
        // Java itself turns IPv4-mapped addresses into IPv4 ones.
        if (address instanceof Inet4Address) {
            return V4.stream().anyMatch(block -> block.contains(address));
        }
        return !V6_UNICAST.contains(address) || V6.stream().anyMatch(block -> block.contains(address));
    }
}
