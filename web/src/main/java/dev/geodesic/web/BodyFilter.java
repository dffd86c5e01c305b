package dev.geodesic.web;

import jakarta.inject.Inject;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.annotation.WebFilter;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Takes in the body of a request before anything is done about it. A body that comes slowly, or never, holds a virtual thread
 * meanwhile: the server has few others, and some dozens of half requests would keep everybody waiting.
 */
@WebFilter(
        urlPatterns = "/v1/*", asyncSupported = true, dispatcherTypes = {DispatcherType.REQUEST, DispatcherType.ASYNC})
public class BodyFilter extends HttpFilter {

    private static final long serialVersionUID = 1L;
    /** Attribute with the {@link Uploads.Upload} of a request that is dispatched again. */
    static final String BODY = BodyFilter.class.getName();

    @Inject
    private transient Uploads uploads;

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
        if (request.getAttribute(BODY) instanceof Uploads.Upload body) {
            request.removeAttribute(BODY);
            WithBody withBody = new WithBody(request, body);
            try {
                chain.doFilter(withBody, response);
            } finally {
                if (!withBody.isHandedOn) {
                    body.close();
                }
            }
        } else if (request.getDispatcherType() == DispatcherType.ASYNC || !hasBody(request)) {
            chain.doFilter(request, response);
        } else {
            ServletInputStream in = request.getInputStream();
            AsyncContext async = request.startAsync();
            // Uploads has the time limit.
            async.setTimeout(0);
            readers.execute(() -> receive(async, request, response, in));
        }
    }

    static boolean hasBody(HttpServletRequest request) {
        return request.getContentLengthLong() > 0 || request.getHeader("Transfer-Encoding") != null;
    }

    private void receive(
            AsyncContext async, HttpServletRequest request, HttpServletResponse response, ServletInputStream in) {
        try {
            Uploads.Upload body = uploads.read(in);
            request.setAttribute(BODY, body);
            async.dispatch();
        } catch (RefusedException e) {
            try {
                refuse(response, e);
            } catch (IOException gone) {
                // Nobody is there to be told.
            }
            async.complete();
        }
    }

    private static void refuse(HttpServletResponse response, RefusedException reason) throws IOException {
        byte[] text = reason.getMessage().getBytes(StandardCharsets.UTF_8);
        response.setStatus(reason.status());
        CorsFilter.allowOrigins(response);
        response.setHeader("Connection", "close");
        response.setContentType(reason.contentType());
        response.setContentLength(text.length);
        response.getOutputStream().write(text);
    }

    /** A request whose body has come. If somebody makes it asynchronous, its end lets the body go. */
    static final class WithBody extends HttpServletRequestWrapper {

        private final Uploads.Upload upload;
        private final ServletInputStream body;
        private boolean isHandedOn;

        WithBody(HttpServletRequest request, Uploads.Upload upload) {
            super(request);
            this.upload = upload;
            ByteArrayInputStream in = new ByteArrayInputStream(upload.bytes());
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
                    upload.close();
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
