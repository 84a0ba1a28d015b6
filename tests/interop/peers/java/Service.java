import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.api.baggage.Baggage;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Scope;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/**
 * A small service, {@code /relay?to=URL} and {@code /seen}, that OpenTelemetry's Java agent traces
 * without a line of its own: it only looks at the current span, and puts baggage in.
 */
public final class Service {
    private static final HttpClient CLIENT =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    public static void main(String[] arguments) throws IOException {
        int port = Integer.parseInt(System.getenv("PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.setExecutor(Executors.newCachedThreadPool()); // a relay may come back to us
        server.createContext("/relay", Service::relay);
        server.createContext("/seen", Service::seen);
        server.start();
    }

    private static void relay(HttpExchange exchange) throws IOException {
        Map<String, String> query = query(exchange);
        Baggage baggage = Baggage.current();
        if (query.containsKey("baggage")) {
            String[] entry = query.get("baggage").split("=", 2);
            baggage = baggage.toBuilder().put(entry[0], entry[1]).build();
        }
        HttpRequest request = HttpRequest.newBuilder(URI.create(query.get("to"))).build();
        try (Scope scope = baggage.makeCurrent()) {
            var response = CLIENT.send(request, BodyHandlers.ofByteArray());
            answer(exchange, response.statusCode(), response.body());
        } catch (IOException | InterruptedException error) {
            answer(exchange, 502, error.toString().getBytes(StandardCharsets.UTF_8));
        }
    }

    private static void seen(HttpExchange exchange) throws IOException {
        var headers = new TreeMap<String, String>();
        exchange.getRequestHeaders()
                .forEach((name, values) -> headers.put(name.toLowerCase(), String.join(", ", values)));
        var baggage = new TreeMap<String, String>();
        Baggage.current().forEach((key, entry) -> baggage.put(key, entry.getValue()));
        var span = Span.current().getSpanContext();
        String body =
                """
                {"headers": %s, "trace_id": "%s", "span_id": "%s", "sampled": %b, "baggage": %s}
                """
                        .formatted(
                                json(headers),
                                span.getTraceId(),
                                span.getSpanId(),
                                span.isSampled(),
                                json(baggage));
        answer(exchange, 200, body.getBytes(StandardCharsets.UTF_8));
    }

    private static void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private static Map<String, String> query(HttpExchange exchange) {
        String query = exchange.getRequestURI().getRawQuery();
        return Arrays.stream(query == null ? new String[0] : query.split("&"))
                .map(pair -> pair.split("=", 2))
                .collect(
                        Collectors.toMap(
                                pair -> pair[0],
                                pair -> URLDecoder.decode(pair[1], StandardCharsets.UTF_8)));
    }

    private static String json(Map<String, String> map) {
        return map.entrySet().stream()
                .map(entry -> json(entry.getKey()) + ": " + json(entry.getValue()))
                .collect(Collectors.joining(", ", "{", "}"));
    }

    private static String json(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
