package dev.geodesic.web;

import dev.geodesic.engine.database.Backups;
import jakarta.inject.Inject;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Takes in the body of a request before anything is done about it. A body that comes slowly, or never, holds a virtual thread
 * meanwhile: the server has few others, and some dozens of half requests would keep everybody waiting. A token whose issuer
 * must be asked for its keys is waited for in the same way.
 */
public class BodyFilter extends HttpFilter {

    private static final long serialVersionUID = 1L;
    /** Where requests are dispatched to: the filters see to it that nobody notices. */
    private static final String ANYWHERE = "/v1/received";
    /** Attribute with what is {@link Received} of a request that is dispatched again. */
    private static final String RECEIVED = BodyFilter.class.getName();

    @Inject
    private transient Uploads uploads;

    @Inject
    private transient BackupUploads backups;

    private transient ExecutorService readers;

    @Override
    public void init() {
        readers = Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("geodesic-body-", 0).factory());
    }

    @Override
    public void destroy() {
        readers.shutdownNow();
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (request.getAttribute(RECEIVED) instanceof Received received) {
            request.removeAttribute(RECEIVED);
            WithBody withBody = new WithBody(request, received);
            try {
                chain.doFilter(withBody, response);
            } finally {
                if (!withBody.isHandedOn) {
                    received.close();
                }
            }
        } else if (!hasBody(request) && !TokenFilter.isWaiting(request)) {
            chain.doFilter(request, response);
        } else {
            ServletInputStream in = request.getInputStream();
            AsyncContext async = request.startAsync();
            // Uploads has the time limit.
            async.setTimeout(0);
            readers.execute(() -> receive(async, request, response, in));
        }
    }

    /** A request as it came: the container would decode its URI when it dispatches it, and fail if that is malformed. */
    private record Received(
            Uploads.Upload body, Optional<Backups.Upload> backup, String uri, String url, String query) {

        void close() {
            body.close();
            backup.ifPresent(Backups.Upload::close);
        }
    }

    private static boolean hasBody(HttpServletRequest request) {
        return request.getContentLengthLong() > 0 || request.getHeader("Transfer-Encoding") != null;
    }

    private void receive(
            AsyncContext async, HttpServletRequest request, HttpServletResponse response, ServletInputStream in) {
        try {
            TokenFilter.await(request);
            // A backup goes to disk, if the caller may send one, and nothing of it is in the body then.
            boolean isBackup = backups.receive(request, in);
            request.setAttribute(RECEIVED, new Received(
                    uploads.read(isBackup ? InputStream.nullInputStream() : in), BackupUploads.of(request),
                    request.getRequestURI(), request.getRequestURL().toString(), request.getQueryString()));
            async.dispatch(ANYWHERE);
        } catch (RefusedException e) {
            try {
                refuse(response, e);
            } catch (IOException gone) {
                // Nobody is there to be told.
            }
            async.complete();
        }
    }

    static void refuse(HttpServletResponse response, RefusedException reason) throws IOException {
        byte[] text = reason.getMessage().getBytes(StandardCharsets.UTF_8);
        response.setStatus(reason.status());
        CorsFilter.allowOrigins(response);
        response.setHeader("Connection", "close");
        response.setContentType(reason.contentType());
        response.setContentLength(text.length);
        response.getOutputStream().write(text);
    }

    /** A request whose body has come. If somebody makes it asynchronous, its end lets the body go. */
    private static final class WithBody extends HttpServletRequestWrapper {

        private final Received received;
        private final ServletInputStream body;
        private boolean isHandedOn;

        WithBody(HttpServletRequest request, Received received) {
            super(request);
            this.received = received;
            ByteArrayInputStream in = new ByteArrayInputStream(received.body().bytes());
            this.body = new ServletInputStream() {
                @Override
                public boolean isFinished() {
                    return in.available() == 0;
                }

                @Override
                public boolean isReady() {
                    return true;
                }

                @Override
                public void setReadListener(ReadListener listener) {
                    throw new IllegalStateException("the body has been read");
                }

                @Override
                public int read() {
                    return in.read();
                }

                @Override
                public int read(byte[] target, int offset, int length) {
                    return in.read(target, offset, length);
                }

                @Override
                public int available() {
                    return in.available();
                }
            };
        }

        @Override
        public ServletInputStream getInputStream() {
            return body;
        }

        @Override
        public String getRequestURI() {
            return received.uri();
        }

        @Override
        public StringBuffer getRequestURL() {
            return new StringBuffer(received.url());
        }

        @Override
        public String getQueryString() {
            return received.query();
        }

        @Override
        public AsyncContext startAsync() {
            return handOn(super.startAsync());
        }

        @Override
        public AsyncContext startAsync(ServletRequest request, ServletResponse response) {
            return handOn(super.startAsync(request, response));
        }

        private AsyncContext handOn(AsyncContext async) {
            async.addListener(new AsyncListener() {
                @Override
                public void onComplete(AsyncEvent event) {
                    received.close();
                }

                @Override
                public void onTimeout(AsyncEvent event) {
                    // Completed next.
                }

                @Override
                public void onError(AsyncEvent event) {
                    // Completed next.
                }

                @Override
                public void onStartAsync(AsyncEvent event) {
                    event.getAsyncContext().addListener(this);
                }
            });
            isHandedOn = true;
            return async;
        }
    }
}
