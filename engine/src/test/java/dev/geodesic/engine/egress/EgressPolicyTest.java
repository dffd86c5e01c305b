package dev.geodesic.engine.egress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.testkit.Proves;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Proves("module-abi.md 5.9")
class EgressPolicyTest {

    private static EgressPolicy policy(EgressOptions.Mode mode, String allow, String deny) {
        return new EgressPolicy(
                new EgressOptions(mode, EgressRule.parseAll(allow), EgressRule.parseAll(deny), 1000), new FakeNetwork());
    }

    private static List<String> permitted(EgressPolicy policy, String host, int port, String... addresses) {
        InetAddress[] all = Arrays.stream(addresses).map(InetAddress::ofLiteral).toArray(InetAddress[]::new);
        return policy.permitted(host, all, port).stream().map(InetAddress::getHostAddress).toList();
    }

    private static String refusal(EgressPolicy policy, String host, int port, String... addresses) {
        EngineException e = assertThrows(EngineException.class, () -> permitted(policy, host, port, addresses));
        assertEquals(ErrorCode.HTTP_ERROR, e.code());
        return e.getMessage();
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1",
        "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.31.196.1",
        "192.52.193.1", "192.88.99.1", "192.168.1.1", "192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.7",
        "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "198.97.1.1", // public, but this machine's own
        "::", "::1", "::2", "::ffff:10.0.0.1", "::ffff:0:8.8.8.8", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1",
        "100:0:0:1::1", "2001::1", "2001:0:4136:e378::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff::1",
        "2001:db8::1", "2002:7f00:1::1", "2620:4f:8000::1", "3fff:fff::1", "4000::1", "5f00::1", "fc00::1", "fd12:3456::1",
        "fe80::1", "febf::1", "fec0::1", "ff02::1"})
    void refusesSpecialAddresses(String address) {
        EgressPolicy policy = policy(EgressOptions.Mode.PUBLIC, "", "");
        assertEquals("refusing to connect to private or special-purpose addresses", refusal(policy, "x.test", 443, address));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1", "172.15.0.1",
        "172.32.0.1", "192.0.1.1", "192.167.1.1", "198.17.1.1", "198.20.0.1", "223.255.255.255", "2001:200::1",
        "2001:4860:4860::8888", "2003::1", "2606:4700::1111", "2a00:1450::1", "3ffe::1"})
    void permitsPublicAddresses(String address) {
        EgressPolicy policy = policy(EgressOptions.Mode.PUBLIC, "", "");
        assertEquals(1, permitted(policy, "x.test", 443, address).size());
    }

    @Test
    void keepsOnlyTheGoodAddressesOfAName() {
        EgressPolicy policy = policy(EgressOptions.Mode.PUBLIC, "", "9.9.9.9");
        assertEquals(List.of("1.1.1.1", "8.8.8.8"),
                permitted(policy, "x.test", 80, "127.0.0.1", "1.1.1.1", "9.9.9.9", "8.8.8.8", "10.0.0.1"));
    }

    @Test
    void offRefusesEverything() {
        EgressPolicy policy = policy(EgressOptions.Mode.OFF, "*", "");
        assertEquals("module outbound HTTP requests are disabled", refusal(policy, "x.test", 80, "1.1.1.1"));
    }

    @Test
    void listedPermitsWhatIsListed() {
        EgressPolicy policy = policy(
                EgressOptions.Mode.LISTED, "api.test, *.lab.test:8080-8081, 10.1.0.0/16, [fd00::]/8:443", "evil.lab.test");
        assertEquals(1, permitted(policy, "api.test", 1, "10.9.9.9").size());
        assertEquals(1, permitted(policy, "API.test.", 1, "10.9.9.9").size());
        assertEquals(1, permitted(policy, "a.lab.test", 8081, "1.1.1.1").size());
        assertEquals(1, permitted(policy, "other.test", 80, "10.1.255.255").size());
        assertEquals(1, permitted(policy, "other.test", 443, "fd55::1").size());
        for (String refused : List.of(
                "lab.test 8080 1.1.1.1", "a.lab.test 8082 1.1.1.1", "xapi.test 80 1.1.1.1", "api.test.other 80 1.1.1.1",
                "other.test 80 10.2.0.0", "other.test 80 fd55::1", "evil.lab.test 8080 1.1.1.1", "alab.test 8080 1.1.1.1")) {
            String[] parts = refused.split(" ");
            assertEquals("the server's operator does not allow requests to this destination",
                    refusal(policy, parts[0], Integer.parseInt(parts[1]), parts[2]), refused);
        }
    }

    @Test
    void denyIsStrongerThanAllow() {
        EgressPolicy policy = policy(EgressOptions.Mode.PUBLIC, "*", "10.0.0.0/8:1-1023, *.evil.test");
        assertEquals(1, permitted(policy, "x.test", 1024, "10.0.0.1").size());
        assertTrue(refusal(policy, "x.test", 1023, "10.0.0.1").contains("operator"));
        assertTrue(refusal(policy, "a.evil.test", 80, "1.1.1.1").contains("operator"));
        // The mapped form of a denied address is the same address.
        assertTrue(refusal(policy, "x.test", 80, "::ffff:10.0.0.1").contains("operator"));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "a b", "http://x", "x:0-70000", "x:5-4", "x:y", "10.0.0.0/33", "10.0.0/8", "[::1", "[::1]/129", "[zz::]", "::1",
        "*x.test", "a.*.test", "256.1.1.1", "x..y", "10.0.0.0/-1"})
    void badRulesAreRefusedByName(String rule) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> EgressRule.parseAll("ok.test," + rule));
        assertTrue(e.getMessage().startsWith("`" + rule + "`"), e.getMessage());
    }
}
