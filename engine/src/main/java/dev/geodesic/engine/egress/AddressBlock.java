package dev.geodesic.engine.egress;

import java.net.InetAddress;

/** Addresses of one family that begin with the same bits. */
record AddressBlock(InetAddress first, int prefixBits) {

    AddressBlock {
        if (prefixBits < 0 || prefixBits > first.getAddress().length * Byte.SIZE) {
            throw new IllegalArgumentException("prefix length out of range: " + prefixBits);
        }
    }

    /** {@code address} or {@code address/bits}, without brackets; never looks a name up. */
    static AddressBlock parse(String text) {
        int slash = text.indexOf('/');
        InetAddress first = InetAddress.ofLiteral(slash < 0 ? text : text.substring(0, slash));
        int bits = slash < 0 ? first.getAddress().length * Byte.SIZE : Integer.parseInt(text.substring(slash + 1));
        return new AddressBlock(first, bits);
    }

    boolean contains(InetAddress address) {
        byte[] mine = first.getAddress();
        byte[] other = address.getAddress();
        if (mine.length != other.length) {
            return false;
        }
        for (int bit = 0; bit < prefixBits; bit += Byte.SIZE) {
            int mask = prefixBits - bit >= Byte.SIZE ? 0xff : 0xff << (Byte.SIZE - (prefixBits - bit));
            if (((mine[bit / Byte.SIZE] ^ other[bit / Byte.SIZE]) & mask) != 0) {
                return false;
            }
        }
        return true;
    }
}
