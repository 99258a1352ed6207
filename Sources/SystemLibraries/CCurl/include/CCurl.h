#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// libcurl, which is loaded by its name when it is used first: a process that fetches nothing has none of it in memory, and a
// host that fetches nothing needs not have it. Transfers belong to a loop, and a loop to one thread; CCurl_wake alone may be
// called by others.

typedef struct CCurl_loop CCurl_loop;
typedef struct CCurl_transfer CCurl_transfer;

/// All of it lives as long as CCurl_start takes; libcurl has copies of what it needs longer, save `body`.
typedef struct {
    const char *url;
    const char *method;
    /// `name: value`.
    const char *const *fields;
    size_t field_count;
    /// Lives as long as the transfer.
    const uint8_t *body;
    size_t body_count;
    /// Files of PEM; NULL: the host's authorities, and no certificate of one's own.
    const char *ca_file;
    const char *certificate_file;
    const char *key_file;
    long connect_milliseconds;
    /// Of the whole transfer. 0: as long as it goes on.
    long total_milliseconds;
    /// Until what is sent, or asked by keepalive, must be acknowledged (TCP_USER_TIMEOUT).
    long silence_milliseconds;
} CCurl_request;

typedef struct {
    void *context;
    /// A line of the response's head, with its end: the status line first, an empty one last.
    void (*line)(void *context, const char *bytes, size_t count);
    /// A piece of the body. `false`: no more of it is wanted, and the transfer ends.
    bool (*piece)(void *context, const uint8_t *bytes, size_t count);
} CCurl_receiver;

/// - Returns: NULL if libcurl is there, else why not. Once it is there, it stays.
const char *CCurl_load(void);

/// After CCurl_load has said that it is there. NULL: there is no memory.
CCurl_loop *CCurl_loop_new(void);
void CCurl_loop_free(CCurl_loop *loop);

/// - Returns: NULL: libcurl refuses it; `error` says why.
CCurl_transfer *CCurl_start(CCurl_loop *loop, const CCurl_request *request, CCurl_receiver receiver, const char **error);
/// Ends it, if it has not ended, and frees it. Its receiver is told nothing more.
void CCurl_free(CCurl_loop *loop, CCurl_transfer *transfer);

/// Waits until something can be done, CCurl_wake is called, or the time is over; then does it.
void CCurl_turn(CCurl_loop *loop, int milliseconds);
void CCurl_wake(CCurl_loop *loop);

/// One that has ended, once each. `*result` is 0 if all of it came; otherwise CCurl_error says what.
/// - Returns: NULL: no further one has.
CCurl_transfer *CCurl_ended(CCurl_loop *loop, int *result);
/// In libcurl's words; lives as long as the transfer.
const char *CCurl_error(CCurl_transfer *transfer, int result);
