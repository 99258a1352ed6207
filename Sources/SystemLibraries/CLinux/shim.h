#pragma once
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>
// Behind _GNU_SOURCE in <sys/socket.h>, which a module cannot define for others.
extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int pipe2(int[2], int);
extern ssize_t splice(int, off_t *, int, off_t *, size_t, unsigned int);
extern int ppoll(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
extern int pthread_setname_np(pthread_t, const char *);

// Linux macros and variadic functions that Swift cannot import stand here as inline functions.

extern int sched_getaffinity(pid_t, size_t, cpu_set_t *);

/// Cores that this process may run on; 1 if that cannot be known.
static inline int CLinux_available_processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int count = 0;
    for (size_t word = 0; word < sizeof set / sizeof(unsigned long); word++)
        count += __builtin_popcountl(((unsigned long *)&set)[word]);
    return count > 0 ? count : 1;
}

/// Bytes that a pipe holds from now on (F_SETPIPE_SZ, fcntl(2)); -1 if it may not have as many.
static inline int CLinux_set_pipe_capacity(int descriptor, int byte_count) {
    return fcntl(descriptor, 1031, byte_count);
}
