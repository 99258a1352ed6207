// Watchers of a config, each on a connection of its own, and when each of them was told of a change.
//
//     watchers COUNT FIRST-TEXT PORT… < REQUEST-AND-TEXTS
//
// Its input begins with the request that each sends, as it goes over the wire, and a line "END". COUNT connections to each PORT of
// 127.0.0.1 send it, 100 at a time, and once each has been answered with FIRST-TEXT, "ready" is printed. Each line that follows is a text to be told
// of: once every watcher has received it, a line says when each of them had it, in ns of CLOCK_MONOTONIC. A watch that ends, and 60 s
// without a word, end it all.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { requestByteLimit = 8192, textByteLimit = 128, chunkByteCount = 65536, patienceMilliseconds = 60000, batchCount = 100 };

typedef struct {
    int descriptor;
    // What came last, as a text may come in two pieces.
    char tail[textByteLimit];
    size_t tailLength;
    int64_t toldAt;
} Watcher;

static Watcher *watchers;
static size_t connected;
static int queue;

static void fail(const char *what) {
    fprintf(stderr, "watchers: %s: %s\n", what, errno ? strerror(errno) : "it ended");
    exit(1);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

// Whether the text is in what came, with what came before it.
static bool receive(Watcher *watcher, const char *text, size_t length) {
    static char bytes[textByteLimit + chunkByteCount];
    memcpy(bytes, watcher->tail, watcher->tailLength);
    ssize_t received = recv(watcher->descriptor, bytes + watcher->tailLength, chunkByteCount, MSG_DONTWAIT);
    if (received < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (received <= 0) {
        if (received == 0) errno = 0;
        fail("a watch");
    }
    size_t have = watcher->tailLength + (size_t)received;
    bool found = memmem(bytes, have, text, length) != NULL;
    watcher->tailLength = have < length - 1 ? have : length - 1;
    memcpy(watcher->tail, bytes + have - watcher->tailLength, watcher->tailLength);
    return found;
}

// Those from the first on have received the text.
static void waitFor(const char *text, size_t first) {
    size_t length = strlen(text), left = connected - first;
    for (size_t index = first; index < connected; index += 1) watchers[index].toldAt = 0;
    while (left > 0) {
        struct epoll_event events[256];
        int ready = epoll_wait(queue, events, 256, patienceMilliseconds);
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) {
            errno = ready == 0 ? ETIMEDOUT : errno;
            fail("a text that all wait for");
        }
        for (int index = 0; index < ready; index += 1) {
            Watcher *watcher = events[index].data.ptr;
            if (receive(watcher, text, length) && watcher->toldAt == 0) {
                watcher->toldAt = now();
                left -= 1;
            }
        }
    }
}

static void connectOne(const char *port, const char *request) {
    Watcher *watcher = &watchers[connected];
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    watcher->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (watcher->descriptor < 0 || connect(watcher->descriptor, (struct sockaddr *)&address, sizeof address) != 0) fail("connecting");
    if (send(watcher->descriptor, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request)) fail("asking");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watcher};
    if (epoll_ctl(queue, EPOLL_CTL_ADD, watcher->descriptor, &event) != 0) fail("epoll");
    connected += 1;
}

int main(int argumentCount, char **arguments) {
    if (argumentCount < 4) return 2;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    static char request[requestByteLimit], line[requestByteLimit];
    while (fgets(line, sizeof line, stdin) && strcmp(line, "END\n") != 0) {
        if (strlen(request) + strlen(line) >= sizeof request) return 2;
        strcat(request, line);
    }
    size_t portCount = (size_t)argumentCount - 3, count = (size_t)atol(arguments[1]) * portCount;
    watchers = calloc(count, sizeof *watchers);
    queue = epoll_create1(EPOLL_CLOEXEC);
    while (connected < count) {
        size_t first = connected;
        while (connected < count && connected - first < batchCount) connectOne(arguments[3 + connected % portCount], request);
        waitFor(arguments[2], first);
    }
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, textByteLimit, stdin)) {
        line[strcspn(line, "\n")] = 0;
        waitFor(line, 0);
        for (size_t index = 0; index < connected; index += 1) printf("%lld ", (long long)watchers[index].toldAt);
        printf("\n");
        fflush(stdout);
    }
    return 0;
}
