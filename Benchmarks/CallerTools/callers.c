// Callers of one host that wrk is none of: a process for each call, one that calls at a steady pace, and three that do what others
// must not suffer from. HTTP/1.1 to 127.0.0.1, PACE times a second.
//
//     callers keep PORT PACE SECONDS    one connection that stays
//     callers once PORT PACE SECONDS    a process for each call, on a connection of its own
//         both print "calls failed p50 p99 took": how long it is until the answer's first bytes, with connecting in `once`, in µs;
//         and how long all calls took together, in seconds
//
//     callers exit PORT PACE USER       a process for each call, which ends without waiting for the answer
//     callers fork PORT PACE USER       each connection is left to a child with 1,000 descriptors, for 20 ms
//     callers flood PORT PACE USER      one process, whose last 256 connections are open, each with a call
//         as USER where the right to is there, until they are ended
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    descriptorCount = 1000,
    connectionCount = 256,
    holdMicroseconds = 20000,
    patienceSeconds = 5,
    processCount = 4096,
    stackByteCount = 16384
};

static const char request[] = "GET /bench/item HTTP/1.1\r\nHost: orders\r\n\r\n";
static in_port_t port;
static double pace;

static void fail(const char *what) {
    fprintf(stderr, "callers: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// Returns when it began: late, if what went before took too long, so that a wait for one answer is counted for all it held up.
static double waitUntil(double due) {
    if (now() >= due) {
        return due;
    }
    struct timespec time = {(time_t)due, (long)((due - (double)(time_t)due) * 1e9)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR) {
    }
    return now();
}

static int connected(int flags) {
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (descriptor < 0) {
        return -1;
    }
    int one = 1;
    struct timeval patience = {patienceSeconds, 0};
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static bool asked(int descriptor) {
    return send(descriptor, request, sizeof request - 1, MSG_NOSIGNAL) == (ssize_t)(sizeof request - 1);
}

// The instant of the answer's first bytes; negative where no 200 came whole.
static double answered(int descriptor) {
    char answer[4096];
    size_t count = 0, whole = 0;
    double instant = -1;
    while (whole == 0 || count < whole) {
        ssize_t received = recv(descriptor, answer + count, sizeof answer - 1 - count, 0);
        if (received <= 0) {
            return -1;
        }
        if (instant < 0) {
            instant = now();
        }
        count += (size_t)received;
        answer[count] = 0;
        const char *end = strstr(answer, "\r\n\r\n"), *length = strcasestr(answer, "\r\ncontent-length:");
        if (end) {
            if (strncmp(answer, "HTTP/1.1 200", 12) != 0 || !length || length > end) {
                return -1;
            }
            whole = (size_t)(end + 4 - answer) + strtoul(length + 17, NULL, 10);
        }
    }
    return instant;
}

// Begins a process of its own that shares its memory with this one, which is a third of what fork(2) costs: the load must be the
// lesser part. `errno` is shared, too, and nobody's to read while there are such.
static void begin(int (*body)(void *), void *argument) {
    static char stacks[processCount][stackByteCount] __attribute__((aligned(16)));
    // Zeroed by the kernel when the process that has the stack has ended.
    static pid_t users[processCount];
    static int next;
    for (int tried = 0; tried < processCount; tried++) {
        int slot = next++ % processCount;
        if (__atomic_load_n(&users[slot], __ATOMIC_ACQUIRE) != 0) {
            continue;
        }
        users[slot] = 1;
        if (clone(body, stacks[slot] + stackByteCount, CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, argument, NULL, NULL,
                &users[slot]) < 0) {
            fail("clone");
        }
        return;
    }
    fail("too many processes");
}

static int ascending(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static void print(double *seconds, long count, double took) {
    qsort(seconds, (size_t)count, sizeof *seconds, ascending);
    long failed = 0;
    while (failed < count && seconds[failed] < 0) {
        failed++;
    }
    long good = count - failed;
    double median = good ? seconds[failed + good / 2] : 0, late = good ? seconds[failed + good * 99 / 100] : 0;
    printf("%ld %ld %.1f %.1f %.3f\n", count, failed, median * 1e6, late * 1e6, took);
}

static void keep(double *seconds, long count) {
    int descriptor = connected(0);
    double start = now();
    for (long index = 0; index < count; index++) {
        double begun = waitUntil(start + (double)index / pace), instant = -1;
        if (descriptor >= 0 && asked(descriptor)) {
            instant = answered(descriptor);
        }
        seconds[index] = instant < 0 ? -1 : instant - begun;
        if (instant < 0) {
            close(descriptor);
            descriptor = connected(0);
        }
    }
}

static int callOnce(void *argument) {
    double begun = now();
    int descriptor = connected(0);
    double instant = descriptor >= 0 && asked(descriptor) ? answered(descriptor) : -1;
    *(double *)argument = instant < 0 ? -1 : instant - begun;
    _exit(0);
}

static void once(double *seconds, long count) {
    signal(SIGCHLD, SIG_IGN);
    double start = now();
    for (long index = 0; index < count; index++) {
        waitUntil(start + (double)index / pace);
        seconds[index] = -1;
        begin(callOnce, &seconds[index]);
    }
    // Until the last has ended: nobody's status is kept.
    while (wait(NULL) >= 0 || errno == EINTR) {
    }
}

static int callAndExit(void *argument) {
    (void)argument;
    int descriptor = connected(0);
    _exit(descriptor >= 0 && asked(descriptor) ? 0 : 1);
}

static void leaveToChild(void) {
    int descriptor = connected(SOCK_NONBLOCK);
    if (descriptor < 0) {
        return;
    }
    if (fork() == 0) {
        usleep(holdMicroseconds);
        _exit(0);
    }
    asked(descriptor);
    close(descriptor);
}

static void flood(long index) {
    static int connections[connectionCount];
    int *slot = &connections[index % connectionCount];
    if (index >= connectionCount && *slot >= 0) {
        close(*slot);
    }
    *slot = connected(SOCK_NONBLOCK);
    if (*slot >= 0) {
        asked(*slot);
    }
}

static void disturb(const char *how, uid_t user) {
    signal(SIGCHLD, SIG_IGN);
    if (geteuid() == 0 && user != 0 && (setgid(user) != 0 || setuid(user) != 0)) {
        fail("its user");
    }
    for (int index = 0; strcmp(how, "fork") == 0 && index < descriptorCount; index++) {
        if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) {
            fail("/dev/null");
        }
    }
    double start = now();
    for (long index = 0;; index++) {
        waitUntil(start + (double)index / pace);
        if (strcmp(how, "exit") == 0) {
            begin(callAndExit, NULL);
        } else if (strcmp(how, "fork") == 0) {
            leaveToChild();
        } else {
            flood(index);
        }
    }
}

int main(int count, char **arguments) {
    if (count != 5) {
        fprintf(stderr, "usage: callers keep|once PORT PACE SECONDS, callers exit|fork|flood PORT PACE USER\n");
        return 2;
    }
    const char *how = arguments[1];
    port = (in_port_t)atoi(arguments[2]);
    pace = atof(arguments[3]);
    prctl(PR_SET_TIMERSLACK, 1);
    if (strcmp(how, "exit") == 0 || strcmp(how, "fork") == 0 || strcmp(how, "flood") == 0) {
        disturb(how, (uid_t)strtoul(arguments[4], NULL, 10));
    }
    long calls = (long)(pace * atof(arguments[4]));
    double *seconds = calloc((size_t)(calls > 0 ? calls : 1), sizeof *seconds);
    if (!seconds) {
        fail("memory");
    }
    double start = now();
    if (strcmp(how, "keep") == 0) {
        keep(seconds, calls);
    } else if (strcmp(how, "once") == 0) {
        once(seconds, calls);
    } else {
        fprintf(stderr, "callers: there is no way %s\n", how);
        return 2;
    }
    print(seconds, calls, now() - start);
    return 0;
}
