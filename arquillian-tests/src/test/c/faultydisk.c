/*
 * A disk whose forces fail or hang: preloaded into a server by LD_PRELOAD. While the file that the variable FAULTY_DISK names
 * holds "fail TEXT", forcing a file whose path contains TEXT fails with EIO; while it holds "hang TEXT", it does not return.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_all(const char *path, char *into, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t length = read(fd, into, size - 1);
    close(fd);
    if (length <= 0) {
        return 0;
    }
    into[length] = 0;
    into[strcspn(into, "\n")] = 0;
    return 1;
}

static int fails(int fd) {
    const char *control = getenv("FAULTY_DISK");
    char order[4096], link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = control == NULL ? -1 : readlink(link, path, sizeof path - 1);
    if (length < 0) {
        return 0;
    }
    path[length] = 0;
    while (read_all(control, order, sizeof order) && strlen(order) > 5 && strstr(path, order + 5) != NULL) {
        if (strncmp(order, "fail ", 5) == 0) {
            return 1;
        }
        usleep(20000);
    }
    return 0;
}

static int forced(const char *function, int fd) {
    int (*next)(int) = (int (*)(int)) dlsym(RTLD_NEXT, function);
    if (fails(fd)) {
        errno = EIO;
        return -1;
    }
    return next(fd);
}

int fdatasync(int fd) {
    return forced("fdatasync", fd);
}

int fsync(int fd) {
    return forced("fsync", fd);
}
