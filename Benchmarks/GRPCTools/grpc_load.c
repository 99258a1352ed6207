// The load of the gRPC arms that h2load cannot make: one call looked at closely, one long stream of messages, many idle
// streams. HTTP/2 with prior knowledge to 127.0.0.1, one thread.
//
//     grpc_load check PORT PATH                                one call with a 16-byte message; prints
//                                                              ":status grpc-status bytes", "-" where there is none
//     grpc_load stream PORT PATH SECONDS WINDOW BYTES          messages there and back on one stream, WINDOW of
//                                                              them under way at once; prints how many came back
//     grpc_load idle PORT PATH CONNECTIONS STREAMS             opens STREAMS on each connection, one message each,
//                                                              prints "ready", keeps them until standard input closes
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { windowByteCount = 1 << 20, patienceMilliseconds = 10000, prefixByteCount = 5 };

struct call {
    // Bytes that may be sent now; more are added as messages come back.
    size_t sendable;
    size_t messageByteCount;
    // Where in a message the next byte to send stands: the first five are its prefix.
    size_t position;
    size_t receivedByteCount;
    bool endsWhenSent, isWaiting, hasAnswered, isClosed;
    char status[8], grpcStatus[8];
};

struct connection {
    int descriptor;
    nghttp2_session *session;
    long answeredCount, closedCount;
};

static void fail(const char *what) {
    fprintf(stderr, "grpc_load: %s\n", what);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static ssize_t readData(
    nghttp2_session *session, int32_t id, uint8_t *buffer, size_t limit, uint32_t *flags, nghttp2_data_source *source,
    void *context) {
    struct call *call = source->ptr;
    size_t count = call->sendable < limit ? call->sendable : limit;
    if (count == 0) {
        call->isWaiting = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    uint32_t length = (uint32_t)(call->messageByteCount - prefixByteCount);
    const uint8_t prefix[prefixByteCount] = {
        0, (uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length};
    memset(buffer, 'x', count);
    for (size_t index = 0; index < count;) {
        if (call->position < prefixByteCount) {
            buffer[index++] = prefix[call->position++];
        } else {
            size_t rest = call->messageByteCount - call->position;
            if (rest > count - index) rest = count - index;
            index += rest;
            call->position += rest;
        }
        if (call->position == call->messageByteCount) call->position = 0;
    }
    call->sendable -= count;
    if (call->sendable == 0 && call->endsWhenSent) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)count;
}

static int onHeader(
    nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t nameByteCount,
    const uint8_t *value, size_t valueByteCount, uint8_t flags, void *context) {
    struct call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (!call) return 0;
    if (nameByteCount == 7 && !memcmp(name, ":status", 7) && valueByteCount < sizeof call->status)
        memcpy(call->status, value, valueByteCount);
    if (nameByteCount == 11 && !memcmp(name, "grpc-status", 11) && valueByteCount < sizeof call->grpcStatus)
        memcpy(call->grpcStatus, value, valueByteCount);
    return 0;
}

static int onData(
    nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t count, void *context) {
    struct connection *connection = context;
    struct call *call = nghttp2_session_get_stream_user_data(session, id);
    if (!call) return 0;
    call->receivedByteCount += count;
    if (!call->hasAnswered && call->receivedByteCount >= call->messageByteCount) {
        call->hasAnswered = true;
        connection->answeredCount++;
    }
    return 0;
}

static int onClose(nghttp2_session *session, int32_t id, uint32_t code, void *context) {
    struct connection *connection = context;
    struct call *call = nghttp2_session_get_stream_user_data(session, id);
    if (call) call->isClosed = true;
    connection->closedCount++;
    return 0;
}

static struct connection *connectTo(uint16_t port) {
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) fail("no memory");
    connection->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(connection->descriptor, (struct sockaddr *)&address, sizeof address)) fail("nobody accepts");
    setsockopt(connection->descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));

    nghttp2_session_callbacks *callbacks;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, onHeader);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onData);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onClose);
    nghttp2_session_client_new(&connection->session, callbacks, connection);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, windowByteCount}};
    nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, settings, 2);
    nghttp2_session_set_local_window_size(connection->session, NGHTTP2_FLAG_NONE, 0, 16 * windowByteCount);
    return connection;
}

static void openCall(struct connection *connection, const char *path, struct call *call) {
#define FIELD(NAME, VALUE) \
    { (uint8_t *)(NAME), (uint8_t *)(VALUE), strlen(NAME), strlen(VALUE), NGHTTP2_NV_FLAG_NONE }
    const nghttp2_nv head[] = {
        FIELD(":method", "POST"),  FIELD(":scheme", "http"),
        FIELD(":path", path),      FIELD(":authority", "orders"),
        FIELD("te", "trailers"),   FIELD("content-type", "application/grpc"),
        FIELD("user-agent", "grpc_load"),
    };
    nghttp2_data_provider provider = {.source.ptr = call, .read_callback = readData};
    if (nghttp2_submit_request(connection->session, NULL, head, sizeof head / sizeof *head, &provider, call) < 0)
        fail("no stream can be opened");
}

static void flush(struct connection *connection) {
    static uint8_t output[256 * 1024];
    size_t filled = 0;
    for (;;) {
        const uint8_t *bytes;
        ssize_t count = nghttp2_session_mem_send(connection->session, &bytes);
        if (count < 0) fail("nghttp2 cannot go on");
        if (filled && (count == 0 || filled + (size_t)count > sizeof output)) {
            for (size_t start = 0; start < filled;) {
                ssize_t written = send(connection->descriptor, output + start, filled - start, MSG_NOSIGNAL);
                if (written < 0) fail("the connection was closed while writing");
                start += (size_t)written;
            }
            filled = 0;
        }
        if (count == 0) return;
        memcpy(output + filled, bytes, (size_t)count);
        filled += (size_t)count;
    }
}

// Writes, then waits for bytes and takes them.
static void turn(struct connection *connection) {
    static uint8_t input[256 * 1024];
    flush(connection);
    struct pollfd waiting = {.fd = connection->descriptor, .events = POLLIN};
    if (poll(&waiting, 1, patienceMilliseconds) <= 0) fail("nothing came for 10 s");
    ssize_t count = recv(connection->descriptor, input, sizeof input, 0);
    if (count <= 0) fail("closed by the proxy");
    if (nghttp2_session_mem_recv(connection->session, input, (size_t)count) != count) fail("not HTTP/2");
}

static int check(uint16_t port, const char *path) {
    struct call call = {.sendable = 21, .messageByteCount = 21, .endsWhenSent = true, .status = "-", .grpcStatus = "-"};
    struct connection *connection = connectTo(port);
    openCall(connection, path, &call);
    while (!call.isClosed) turn(connection);
    printf("%s %s %zu\n", call.status, call.grpcStatus, call.receivedByteCount);
    return 0;
}

static int stream(uint16_t port, const char *path, double seconds, size_t window, size_t messageByteCount) {
    size_t framed = messageByteCount + prefixByteCount;
    struct call call = {.sendable = window * framed, .messageByteCount = framed, .status = "-", .grpcStatus = "-"};
    struct connection *connection = connectTo(port);
    openCall(connection, path, &call);
    size_t returned = 0;
    for (double end = now() + seconds; !call.isClosed && now() < end;) {
        turn(connection);
        size_t more = call.receivedByteCount / framed - returned;
        returned += more;
        call.sendable += more * framed;
        if (more && call.isWaiting) {
            call.isWaiting = false;
            nghttp2_session_resume_data(connection->session, 1);
        }
    }
    if (call.isClosed) fail("the stream was closed");
    printf("%zu\n", returned);
    return 0;
}

static int idle(uint16_t port, const char *path, long connectionCount, long streamCount) {
    struct pollfd *waiting = calloc((size_t)connectionCount + 1, sizeof *waiting);
    struct connection **connections = calloc((size_t)connectionCount, sizeof *connections);
    struct call *calls = calloc((size_t)(connectionCount * streamCount), sizeof *calls);
    if (!waiting || !connections || !calls) fail("no memory");
    for (long index = 0; index < connectionCount; index++) {
        struct connection *connection = connections[index] = connectTo(port);
        for (long number = 0; number < streamCount; number++) {
            struct call *call = &calls[index * streamCount + number];
            *call = (struct call){.sendable = 69, .messageByteCount = 69};
            openCall(connection, path, call);
        }
        while (connection->answeredCount < streamCount) {
            turn(connection);
            if (connection->closedCount) fail("a stream that should idle was closed");
        }
        flush(connection);
        waiting[index] = (struct pollfd){.fd = connection->descriptor, .events = POLLIN};
    }
    waiting[connectionCount] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        poll(waiting, (nfds_t)connectionCount + 1, -1);
        if (waiting[connectionCount].revents) return 0;
        for (long index = 0; index < connectionCount; index++) {
            if (!waiting[index].revents) continue;
            turn(connections[index]);  // PING and SETTINGS are answered
            flush(connections[index]);
            if (connections[index]->closedCount) fail("a stream that should idle was closed");
        }
    }
}

int main(int argumentCount, char **arguments) {
    const char *mode = argumentCount >= 4 ? arguments[1] : "";
    uint16_t port = argumentCount >= 4 ? (uint16_t)atoi(arguments[2]) : 0;
    if (!strcmp(mode, "check") && argumentCount == 4) return check(port, arguments[3]);
    if (!strcmp(mode, "stream") && argumentCount == 7)
        return stream(port, arguments[3], atof(arguments[4]), (size_t)atol(arguments[5]), (size_t)atol(arguments[6]));
    if (!strcmp(mode, "idle") && argumentCount == 6)
        return idle(port, arguments[3], atol(arguments[4]), atol(arguments[5]));
    fprintf(stderr, "usage: grpc_load check|stream|idle PORT PATH …, see the source's first lines\n");
    return 2;
}
