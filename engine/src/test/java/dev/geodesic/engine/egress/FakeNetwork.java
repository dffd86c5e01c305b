package dev.geodesic.engine.egress;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Names with prepared answers; the last answer of a name is repeated. Literals mean themselves. */
final class FakeNetwork implements Network {

    private final Map<String, Deque<InetAddress[]>> answers = new HashMap<>();
    final List<String> lookups = new ArrayList<>();

    /** The next answer to the question for {@code name}. */
    synchronized FakeNetwork answer(String name, String... addresses) {
        answers.computeIfAbsent(name, n -> new ArrayDeque<>())
                .add(Arrays.stream(addresses).map(InetAddress::ofLiteral).toArray(InetAddress[]::new));
        return this;
    }

    @Override
    public synchronized InetAddress[] resolve(String host) throws UnknownHostException {
        lookups.add(host);
        Deque<InetAddress[]> prepared = answers.get(host);
        if (prepared != null) {
            return prepared.size() > 1 ? prepared.poll() : prepared.peek();
        }
        try {
            return new InetAddress[] {InetAddress.ofLiteral(host)};
        } catch (IllegalArgumentException e) {
            throw new UnknownHostException(host);
        }
    }

    @Override
    public boolean isOwn(InetAddress address) {
        return address.getHostAddress().equals("198.97.1.1");
    }
}
