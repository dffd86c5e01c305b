package dev.geodesic.engine.egress;

import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;

/** What the machine knows of names and addresses. */
public interface Network {

    /** The machine's own. */
    Network SYSTEM = new Network() {
        @Override
        public InetAddress[] resolve(String host) throws UnknownHostException {
            return InetAddress.getAllByName(host);
        }

        @Override
        public boolean isOwn(InetAddress address) {
            try {
                return NetworkInterface.getByInetAddress(address) != null;
            } catch (SocketException e) {
                return true;
            }
        }
    };

    /** Addresses of a name or of an address literal, at least one. May block for long. */
    InetAddress[] resolve(String host) throws UnknownHostException;

    /** Whether an interface of this machine has the address. */
    boolean isOwn(InetAddress address);
}
