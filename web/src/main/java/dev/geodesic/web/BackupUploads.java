package dev.geodesic.web;

import dev.geodesic.ejb.ServerConfig;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.database.Backups;
import dev.geodesic.engine.database.DatabaseEntry;
import dev.geodesic.engine.database.Server;
import dev.geodesic.sats.Identity;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.servlet.http.HttpServletRequest;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Backups on their way in. They are too large for the heap, so they lie on disk before anything is done about them, and only
 * those of callers who may restore them: the others are refused by the resource, which finds none.
 */
@ApplicationScoped
public class BackupUploads {

    static final String ZIP = "application/zip";
    private static final String ATTRIBUTE = BackupUploads.class.getName();
    private static final Pattern PATH = Pattern.compile("/v1/(?:restore|database/([^/]+)/restore)");
    private static final int AT_ONCE = 4;
    private static final long NANOS_MAX = TimeUnit.SECONDS.toNanos(30);
    private static final long NANOS_PER_BYTE = TimeUnit.SECONDS.toNanos(1) / (16 << 10);

    private final Semaphore uploads = new Semaphore(AT_ONCE);

    @Inject
    private Server server;

    @Inject
    private ServerConfig config;

    /** The backup that came with a request. */
    static Optional<Backups.Upload> of(HttpServletRequest request) {
        return Optional.ofNullable((Backups.Upload) request.getAttribute(ATTRIBUTE));
    }

    /** Takes the body in if it is a backup; {@link #of} has it then. Blocks as long as it comes. */
    boolean receive(HttpServletRequest request, InputStream body) {
        Matcher path = PATH.matcher(request.getRequestURI());
        if (!request.getMethod().equals("POST") || !ZIP.equals(request.getContentType()) || !path.matches()) {
            return false;
        }
        if (!mayRestore(request, Optional.ofNullable(path.group(1)))) {
            return true;
        }
        if (!uploads.tryAcquire()) {
            throw new RefusedException(503, "The server is receiving " + AT_ONCE + " backups; try again later");
        }
        try {
            request.setAttribute(ATTRIBUTE, server.backups().receive(new Paced(body)));
            return true;
        } catch (EngineException e) {
            throw new RefusedException(ErrorStatus.of(e.code()), e.getMessage());
        } catch (IOException e) {
            // The client's doing, so nothing for the server's log.
            throw new RefusedException(400, "Failed to receive the backup: " + e.getMessage());
        } finally {
            uploads.release();
        }
    }

    private boolean mayRestore(HttpServletRequest request, Optional<String> database) {
        try {
            Optional<Credentials> caller = TokenFilter.credentials(request::getAttribute);
            if (caller.isEmpty()) {
                return false;
            }
            if (database.isPresent()) {
                String name = URLDecoder.decode(database.get().replace("+", "%2B"), StandardCharsets.UTF_8);
                Identity identity = Names.resolve(server, name);
                Optional<Identity> owner = server.entry(identity).map(DatabaseEntry::owner);
                if (owner.isPresent()) {
                    return owner.get().equals(caller.get().identity());
                }
            }
            return config.publishers().allows(caller.get().claims(), request::isUserInRole);
        } catch (EngineException | RefusedException | IllegalArgumentException e) {
            // The resource finds the same, and says so.
            return false;
        }
    }

    /** A body that comes too slowly is given up. */
    private static final class Paced extends FilterInputStream {

        private final long start = System.nanoTime();
        private long count;

        Paced(InputStream in) {
            super(in);
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            int read = super.read(target, offset, length);
            count += Math.max(0, read);
            if (System.nanoTime() - start > NANOS_MAX + count * NANOS_PER_BYTE) {
                throw new RefusedException(408, "The request body came too slowly");
            }
            return read;
        }
    }
}
