/* A disk that breaks at the k-th thing asked of it, for everything a process loads: Python's own
   files, NumPy's, torch's and Blender's. Preloaded; asleep until disk_arm() names a folder.

   Counted are opening for writing, writing, making folders, renaming and bringing to the disk,
   of what lies below that folder. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT = 0, STAYS_FULL = 1, FAILS_ONCE = 2, KILLS = 3 };

static char folder[PATH_MAX];
static size_t length;
static atomic_long counted;
static long fatal;
static int mode, refusal;

void disk_arm(const char *path, int how, long at, int number) {
    length = 0;
    atomic_store(&counted, 0);
    mode = how, fatal = at, refusal = number;
    snprintf(folder, sizeof folder, "%s/", path);
    length = strlen(folder);
}

/* A program that an armed one starts is armed the same way, and counts for itself. */
__attribute__((constructor)) static void arm_as_the_parent(void) {
    const char *told = getenv("FACEGEN_BROKEN_DISK");
    int how, number, skipped = 0;
    long at;
    if (told && sscanf(told, "%d %ld %d %n", &how, &at, &number, &skipped) == 3 && skipped)
        disk_arm(told + skipped, how, at, number);
}

long disk_count(void) { return atomic_load(&counted); }

void disk_disarm(void) { length = 0; }

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static int is_below(const char *path) {
    char whole[PATH_MAX];
    if (!length || !path) return 0;
    if (path[0] != '/') {
        char here[PATH_MAX];
        if (!getcwd(here, sizeof here)) return 0;
        if (snprintf(whole, sizeof whole, "%s/%s", here, path) >= (int)sizeof whole) return 0;
        path = whole;
    }
    return strncmp(path, folder, length) == 0;
}

static int is_ours(int descriptor) {
    char link[64], path[PATH_MAX];
    if (!length) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    if (strncmp(path, folder, length) == 0) return 1;
    return strncmp(path, folder, length - 1) == 0 && path[length - 1] == 0; /* the folder itself */
}

/* What becomes of the next thing asked: 0 goes on, 1 is refused, 2 dies here. */
static int judged(void) {
    int kept = errno;
    long number = atomic_fetch_add(&counted, 1) + 1;
    errno = kept;
    if (mode == COUNT || number < fatal) return 0;
    if (mode == FAILS_ONCE && number > fatal) return 0;
    if (mode == KILLS) return 2;
    errno = refusal;
    return 1;
}

#define GUARD(concerns, failed) \
    if (concerns) { \
        int verdict = judged(); \
        if (verdict == 2) kill(getpid(), SIGKILL); \
        if (verdict == 1) return failed; \
    }

static int writes(int flags) { return (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) != 0; }

#define OPENER(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name, const char *, int, ...); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t rights = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        GUARD(writes(flags) && is_below(path), -1) \
        return real(path, flags, rights); \
    }
OPENER(open)
OPENER(open64)

#define OPENER_AT(name) \
    int name(int place, const char *path, int flags, ...) { \
        REAL(int, #name, int, const char *, int, ...); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t rights = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        GUARD(writes(flags) && is_below(path), -1) \
        return real(place, path, flags, rights); \
    }
OPENER_AT(openat)
OPENER_AT(openat64)

#define STREAM(name) \
    FILE *name(const char *path, const char *how) { \
        REAL(FILE *, #name, const char *, const char *); \
        GUARD(strpbrk(how, "wa+") && is_below(path), NULL) \
        return real(path, how); \
    }
STREAM(fopen)
STREAM(fopen64)

ssize_t write(int descriptor, const void *bytes, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (is_ours(descriptor)) {
        int verdict = judged();
        if (verdict == 1) return -1;
        if (verdict == 2) { /* half of it is there when the process dies */
            if (size > 1) real(descriptor, bytes, size / 2);
            kill(getpid(), SIGKILL);
        }
    }
    return real(descriptor, bytes, size);
}

#define AT_OFFSET(name, offset_type) \
    ssize_t name(int descriptor, const void *bytes, size_t size, offset_type offset) { \
        REAL(ssize_t, #name, int, const void *, size_t, offset_type); \
        GUARD(is_ours(descriptor), -1) \
        return real(descriptor, bytes, size, offset); \
    }
AT_OFFSET(pwrite, off_t)
AT_OFFSET(pwrite64, off64_t)

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    GUARD(is_ours(descriptor), -1)
    return real(descriptor, parts, count);
}

size_t fwrite(const void *bytes, size_t size, size_t count, FILE *stream) {
    REAL(size_t, "fwrite", const void *, size_t, size_t, FILE *);
    GUARD(is_ours(fileno(stream)), 0)
    return real(bytes, size, count, stream);
}

int mkdir(const char *path, mode_t rights) {
    REAL(int, "mkdir", const char *, mode_t);
    GUARD(is_below(path), -1)
    return real(path, rights);
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    GUARD(is_below(to), -1)
    return real(from, to);
}

int fsync(int descriptor) {
    REAL(int, "fsync", int);
    GUARD(is_ours(descriptor), -1)
    return real(descriptor);
}

int ftruncate64(int descriptor, off64_t size) {
    REAL(int, "ftruncate64", int, off64_t);
    GUARD(is_ours(descriptor), -1)
    return real(descriptor, size);
}

ssize_t sendfile64(int to, int from, off64_t *offset, size_t size) {
    REAL(ssize_t, "sendfile64", int, int, off64_t *, size_t);
    GUARD(is_ours(to), -1)
    return real(to, from, offset, size);
}
