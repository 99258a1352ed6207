// The workload of the gRPC arms: HTTP/2 with prior knowledge on loopback, one thread. It echoes each DATA byte as it
// comes and ends with `grpc-status: 0` once the caller has ended, so that one program answers unary calls and streams
// alike. It is far cheaper than what is measured before it: nothing is parsed beyond HTTP/2.
//
//     echo_server PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { windowByteCount = 1 << 20, concurrentStreams = 100, chunkByteCount = 64 * 1024 };

#define FIELD(NAME, VALUE) \
    { (uint8_t *)(NAME), (uint8_t *)(VALUE), sizeof(NAME) - 1, sizeof(VALUE) - 1, NGHTTP2_NV_FLAG_NONE }

// What has come on a stream and has not gone back yet.
struct stream {
    uint8_t *bytes;
    size_t start, end, capacity;
    bool hasEnded, isWaiting;
};

struct connection {
    int descriptor;
    nghttp2_session *session;
    uint8_t *output;
    size_t outputStart, outputEnd, outputCapacity;
    bool waitsForWriting;
};

static int poller;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void *grown(void *bytes, size_t *capacity, size_t needed) {
    if (needed <= *capacity) return bytes;
    while (*capacity < needed) *capacity = *capacity ? *capacity * 2 : 256;
    if (!(bytes = realloc(bytes, *capacity))) fail("realloc");
    return bytes;
}

static ssize_t readData(
    nghttp2_session *session, int32_t id, uint8_t *buffer, size_t limit, uint32_t *flags, nghttp2_data_source *source,
    void *context) {
    struct stream *stream = source->ptr;
    size_t count = stream->end - stream->start;
    if (count > limit) count = limit;
    if (count == 0 && !stream->hasEnded) {
        stream->isWaiting = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    memcpy(buffer, stream->bytes + stream->start, count);
    stream->start += count;
    if (stream->start == stream->end) {
        stream->start = stream->end = 0;
        if (stream->hasEnded) {
            static const nghttp2_nv trailers[] = {FIELD("grpc-status", "0")};
            *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
            nghttp2_submit_trailer(session, id, trailers, 1);
        }
    }
    return (ssize_t)count;
}

static void resume(nghttp2_session *session, int32_t id, struct stream *stream) {
    if (!stream->isWaiting) return;
    stream->isWaiting = false;
    nghttp2_session_resume_data(session, id);
}

static int onBeginHeaders(nghttp2_session *session, const nghttp2_frame *frame, void *context) {
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream) fail("calloc");
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
    return 0;
}

static int onFrame(nghttp2_session *session, const nghttp2_frame *frame, void *context) {
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (!stream) return 0;
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) stream->hasEnded = true;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        static const nghttp2_nv head[] = {FIELD(":status", "200"), FIELD("content-type", "application/grpc")};
        nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = readData};
        nghttp2_submit_response(session, frame->hd.stream_id, head, 2, &provider);
    } else if (stream->hasEnded) {
        resume(session, frame->hd.stream_id, stream);
    }
    return 0;
}

static int onData(
    nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t count, void *context) {
    struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
    if (!stream) return 0;
    stream->bytes = grown(stream->bytes, &stream->capacity, stream->end + count);
    memcpy(stream->bytes + stream->end, bytes, count);
    stream->end += count;
    resume(session, id, stream);
    return 0;
}

static int onClose(nghttp2_session *session, int32_t id, uint32_t code, void *context) {
    struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
    if (!stream) return 0;
    nghttp2_session_set_stream_user_data(session, id, NULL);
    free(stream->bytes);
    free(stream);
    return 0;
}

// Writes what the session has, in as few calls as there can be. False: the connection is over.
static bool flush(struct connection *connection) {
    for (;;) {
        while (connection->outputEnd - connection->outputStart < chunkByteCount) {
            const uint8_t *bytes;
            ssize_t count = nghttp2_session_mem_send(connection->session, &bytes);
            if (count < 0) return false;
            if (count == 0) break;
            connection->output =
                grown(connection->output, &connection->outputCapacity, connection->outputEnd + (size_t)count);
            memcpy(connection->output + connection->outputEnd, bytes, (size_t)count);
            connection->outputEnd += (size_t)count;
        }
        if (connection->outputStart == connection->outputEnd) break;
        ssize_t written = send(
            connection->descriptor, connection->output + connection->outputStart,
            connection->outputEnd - connection->outputStart, MSG_NOSIGNAL);
        if (written < 0) {
            if (errno != EAGAIN) return false;
            break;
        }
        connection->outputStart += (size_t)written;
        if (connection->outputStart == connection->outputEnd) connection->outputStart = connection->outputEnd = 0;
    }
    bool waits = connection->outputStart != connection->outputEnd;
    if (waits != connection->waitsForWriting) {
        struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0), .data.ptr = connection};
        epoll_ctl(poller, EPOLL_CTL_MOD, connection->descriptor, &event);
        connection->waitsForWriting = waits;
    }
    return nghttp2_session_want_read(connection->session) || nghttp2_session_want_write(connection->session) || waits;
}

static bool receive(struct connection *connection) {
    static uint8_t buffer[256 * 1024];
    ssize_t count = recv(connection->descriptor, buffer, sizeof buffer, 0);
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return false;
    return nghttp2_session_mem_recv(connection->session, buffer, (size_t)count) == count;
}

static void closeConnection(struct connection *connection) {
    close(connection->descriptor);
    // Deleting a session does not tell of its open streams; what they hold goes with the process, at the arm's end.
    nghttp2_session_del(connection->session);
    free(connection->output);
    free(connection);
}

static void acceptAll(int listener, nghttp2_session_callbacks *callbacks) {
    int descriptor;
    while ((descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        struct connection *connection = calloc(1, sizeof *connection);
        if (!connection) fail("calloc");
        connection->descriptor = descriptor;
        nghttp2_session_server_new(&connection->session, callbacks, connection);
        static const nghttp2_settings_entry settings[] = {
            {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, concurrentStreams},
            {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, windowByteCount},
        };
        nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, settings, 2);
        nghttp2_session_set_local_window_size(connection->session, NGHTTP2_FLAG_NONE, 0, 16 * windowByteCount);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event);
        flush(connection);
    }
}

int main(int argumentCount, char **arguments) {
    if (argumentCount != 2) {
        fprintf(stderr, "usage: echo_server PORT\n");
        return 2;
    }
    nghttp2_session_callbacks *callbacks;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, onBeginHeaders);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, onFrame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onData);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onClose);

    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1])),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) fail("listen");
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event accepting = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &accepting);
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(poller, events, 256, -1);
        for (int index = 0; index < count; index++) {
            struct connection *connection = events[index].data.ptr;
            if (!connection) {
                acceptAll(listener, callbacks);
                continue;
            }
            bool isOpen = !(events[index].events & EPOLLIN) || receive(connection);
            if (!isOpen || !flush(connection)) closeConnection(connection);
        }
    }
}
