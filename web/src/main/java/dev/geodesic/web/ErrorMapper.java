package dev.geodesic.web;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import jakarta.ws.rs.NotAllowedException;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.ext.ExceptionMapper;
import jakarta.ws.rs.ext.Provider;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;

/** The one place where errors become answers: a status and one line of text (spec/http-api.md section 1). */
@Provider
public class ErrorMapper implements ExceptionMapper<Throwable> {

    private static final System.Logger LOG = System.getLogger(ErrorMapper.class.getName());
    private static final int INTERNAL_ERROR = 500;
    private static final int RETRY_SECONDS = 1;
    /** Where Open Liberty's JAX-RS looks for the resource, and fails if the URI or a header is malformed. */
    private static final String MATCHING = "org.jboss.resteasy.core.registry.";

    @Override
    public Response toResponse(Throwable error) {
        return switch (error) {
            case RefusedException _, EngineException _ -> answer(error).toResponse();
            // Unknown paths and wrong methods have an empty body.
            case NotAllowedException e -> Response.status(e.getResponse().getStatus())
                    .header("Allow", Answers.methods(e.getResponse().getHeaderString("Allow"))).build();
            case WebApplicationException e -> Response.status(e.getResponse().getStatus()).build();
            // JAX-RS reads the quality values of headers, and does not expect that they are none.
            case NumberFormatException e -> Answers.text(400, "Invalid header: a number is malformed");
            case RuntimeException e when isBeforeAnyResource(e) -> Answers.text(400, "Invalid request: " + e.getMessage());
            default -> answer(error).toResponse();
        };
    }

    /** What a request is answered with whose route failed. */
    static Answer answer(Throwable error) {
        return switch (error) {
            case RefusedException e -> Answer.of(e.status(), e.contentType(), e.getMessage());
            case EngineException e -> {
                int status = ErrorStatus.of(e.code());
                if (status == INTERNAL_ERROR && e.getCause() != null) {
                    LOG.log(System.Logger.Level.ERROR, e.describe(), e);
                }
                Map<String, Object> headers = e.code() == ErrorCode.BUSY ? Map.of("Retry-After", RETRY_SECONDS) : Map.of();
                yield new Answer(status, Answers.TEXT, headers, e.getMessage().getBytes(StandardCharsets.UTF_8));
            }
            default -> {
                LOG.log(System.Logger.Level.ERROR, "a request failed", error);
                yield Answer.text(INTERNAL_ERROR, "internal error");
            }
        };
    }

    private static boolean isBeforeAnyResource(RuntimeException error) {
        return Arrays.stream(error.getStackTrace()).anyMatch(frame -> frame.getClassName().startsWith(MATCHING));
    }
}
