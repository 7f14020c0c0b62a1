// Preloaded into a test's program: a disk on which what lies beyond 64 KiB of a file named "failing..." cannot be read.
#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

extern "C" ssize_t read(int descriptor, void *buffer, size_t count) {
    using Read = ssize_t (*)(int, void *, size_t);
    static Read real = reinterpret_cast<Read>(dlsym(RTLD_NEXT, "read"));
    char link[64], name[4096];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    const ssize_t length = readlink(link, name, sizeof name - 1);
    if (length > 0) {
        name[length] = 0;
        if (std::strstr(name, "/failing") && lseek(descriptor, 0, SEEK_CUR) + static_cast<off_t>(count) > 65536) {
            errno = EIO;
            return -1;
        }
    }
    return real(descriptor, buffer, count);
}
