package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.testkit.Proves;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.Test;

/** HTTP handlers of the feature modules: spec/execution.md 8.2, spec/http-api.md 6.14. */
interface HandlerTests {

    private static HttpResponse<String> send(TestDatabase db, String method, String path, String body, String... headers)
            throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://localhost:" + Http.PORT + "/v1/database/"
                + db.name + "/route" + path)).method(method, HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        }
    }

    private static String text(HttpResponse<String> answer) {
        return answer.statusCode() + " " + answer.body();
    }

    @Test
    @Proves("execution.md 8.2")
    @Proves("http-api.md 6.14")
    default void routes() throws Exception {
        for (String crate : List.of("2.8", "2.11")) {
            try (TestDatabase db = Features.publish(crate)) {
                String at = "http://localhost:" + Http.PORT + "/v1/database/" + db.name + "/route";
                assertEquals("200 GET " + at + " ", text(send(db, "GET", "", "")));
                assertEquals("200 POST " + at + "?q=1 body", text(send(db, "POST", "?q=1", "body")));
                HttpResponse<String> teapot = send(db, "GET", "/", "");
                assertEquals("418 ", text(teapot));
                assertEquals("text/teapot", teapot.headers().firstValue("content-type").orElse(""));
                HttpResponse<String> mirror = send(db, "POST", "/mirror?a=b&c", "ü",
                        "X-In", "1", "x-in", "2", "Authorization", "nonsense");
                assertEquals("200 POST " + at + "/mirror?a=b&c ü", text(mirror));
                assertEquals(List.of("1", "2"), mirror.headers().allValues("x-in"));
                assertEquals(List.of(), mirror.headers().allValues("content-type"));
                assertEquals("200 GET " + at + "/mirror ", text(send(db, "GET", "/mirror", "")));
                assertEquals("418 ", text(send(db, "DELETE", "/mirror", "")));
                assertEquals("200 PUT " + at + "/mirror/deep/path x", text(send(db, "PUT", "/mirror/deep/path", "x")));
                for (String path : List.of("/mirror/deep", "/mirror/", "/nowhere", "/MIRROR")) {
                    assertEquals(404, send(db, "GET", path, "").statusCode(), path);
                }
                assertEquals(404, send(db, "PATCH", "/mirror", "").statusCode());
                assertEquals(404, send(db, "HEAD", "/mirror", "").statusCode());
            } catch (AssertionError e) {
                throw new AssertionError(crate + ": " + e.getMessage(), e);
            }
        }
    }

    @Test
    @Proves("execution.md 8.2")
    @Proves("module-abi.md 6")
    default void handlersWriteAndFall() throws Exception {
        try (TestDatabase db = Features.publish()) {
            WsClient client = db.open(Subprotocol.V2);
            client.subscribe(1, 1, "SELECT * FROM items_of_kind_one");
            assertEquals("applied 1/1 {}", client.next());
            assertEquals("200 1", text(send(db, "POST", "/store", "41")));
            assertEquals("update 1{items_of_kind_one+[41,1,500,\"made by a procedure\"]}", client.next());
            assertEquals("400 not a number", text(send(db, "POST", "/store", "x")));
            Features.ok(db, "put_item", 43, 2, 2, "taken");
            assertEquals(500, send(db, "POST", "/store", "43").statusCode());
            for (String how : List.of("panic", "trap", "recursion")) {
                HttpResponse<String> answer = send(db, "GET", "/fall?" + how, "");
                assertEquals(500, answer.statusCode(), how);
                assertTrue(!answer.body().isEmpty(), how);
            }
            assertEquals("200 3", text(send(db, "POST", "/store", "42")));
        }
    }
}
