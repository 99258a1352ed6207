#include "CCurl.h"
#include <curl/curl.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

// The functions of libcurl.so.4, whose ABI has not changed since 2006.
static struct {
    CURLcode (*global_init)(long);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *);
    CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
    const char *(*easy_strerror)(CURLcode);
    struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
    void (*slist_free_all)(struct curl_slist *);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_cleanup)(CURLM *);
    CURLMcode (*multi_add_handle)(CURLM *, CURL *);
    CURLMcode (*multi_remove_handle)(CURLM *, CURL *);
    CURLMcode (*multi_perform)(CURLM *, int *);
    CURLMcode (*multi_poll)(CURLM *, struct curl_waitfd *, unsigned, int, int *);
    CURLMcode (*multi_wakeup)(CURLM *);
    CURLMsg *(*multi_info_read)(CURLM *, int *);
} curl;

static const char *problem;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    static char text[256];
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *reason = dlerror();
        strncpy(text, reason != NULL ? reason : "libcurl.so.4 is not there", sizeof text - 1);
        problem = text;
        return;
    }
    struct {
        const char *name;
        void **place;
    } functions[] = {
        {"curl_global_init", (void **)&curl.global_init},
        {"curl_easy_init", (void **)&curl.easy_init},
        {"curl_easy_cleanup", (void **)&curl.easy_cleanup},
        {"curl_easy_setopt", (void **)&curl.easy_setopt},
        {"curl_easy_getinfo", (void **)&curl.easy_getinfo},
        {"curl_easy_strerror", (void **)&curl.easy_strerror},
        {"curl_slist_append", (void **)&curl.slist_append},
        {"curl_slist_free_all", (void **)&curl.slist_free_all},
        {"curl_multi_init", (void **)&curl.multi_init},
        {"curl_multi_cleanup", (void **)&curl.multi_cleanup},
        {"curl_multi_add_handle", (void **)&curl.multi_add_handle},
        {"curl_multi_remove_handle", (void **)&curl.multi_remove_handle},
        {"curl_multi_perform", (void **)&curl.multi_perform},
        {"curl_multi_poll", (void **)&curl.multi_poll},
        {"curl_multi_wakeup", (void **)&curl.multi_wakeup},
        {"curl_multi_info_read", (void **)&curl.multi_info_read},
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        *functions[i].place = dlsym(library, functions[i].name);
        if (*functions[i].place == NULL) {
            strncpy(text, functions[i].name, sizeof text - 32);
            strcat(text, " is not in libcurl.so.4");
            problem = text;
            return;
        }
    }
    if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) problem = "curl_global_init failed";
}

const char *CCurl_load(void) {
    pthread_once(&once, load);
    return problem;
}

struct CCurl_transfer {
    CURL *handle;
    struct curl_slist *fields;
    CCurl_receiver receiver;
    long silence_milliseconds;
    char error[CURL_ERROR_SIZE];
};

struct CCurl_loop {
    CURLM *handle;
};

CCurl_loop *CCurl_loop_new(void) {
    CCurl_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) return NULL;
    loop->handle = curl.multi_init();
    if (loop->handle != NULL) return loop;
    free(loop);
    return NULL;
}

void CCurl_loop_free(CCurl_loop *loop) {
    curl.multi_cleanup(loop->handle);
    free(loop);
}

static size_t take_line(char *bytes, size_t size, size_t count, void *context) {
    CCurl_transfer *transfer = context;
    transfer->receiver.line(transfer->receiver.context, bytes, size * count);
    return size * count;
}

static size_t take_piece(char *bytes, size_t size, size_t count, void *context) {
    CCurl_transfer *transfer = context;
    bool goes_on = transfer->receiver.piece(transfer->receiver.context, (const uint8_t *)bytes, size * count);
    return goes_on ? size * count : CURL_WRITEFUNC_ERROR;
}

// A peer that is cut off says nothing: the kernel asks, and gives up after a time.
static int prepare_socket(void *context, curl_socket_t socket, curlsocktype purpose) {
    (void)purpose;
    CCurl_transfer *transfer = context;
    unsigned milliseconds = (unsigned)transfer->silence_milliseconds;
    if (milliseconds > 0) setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
    return CURL_SOCKOPT_OK;
}

static CURLcode set_up(CCurl_transfer *transfer, const CCurl_request *request) {
    CURL *handle = transfer->handle;
    CURLcode result = CURLE_OK;
#define SET(option, value) \
    if (result == CURLE_OK) result = curl.easy_setopt(handle, option, value)
    SET(CURLOPT_ERRORBUFFER, transfer->error);
    SET(CURLOPT_PRIVATE, transfer);
    SET(CURLOPT_NOSIGNAL, 1L);
    // What the host's user has set for other programs must not lead elsewhere.
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    // libcurl 7.88 fails with HTTP/2 in plain when a connection is used again.
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_CUSTOMREQUEST, request->method);
    if (request->body != NULL) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_count);
        SET(CURLOPT_POSTFIELDS, request->body);
    }
    for (size_t i = 0; i < request->field_count; i++) {
        struct curl_slist *fields = curl.slist_append(transfer->fields, request->fields[i]);
        if (fields == NULL) return CURLE_OUT_OF_MEMORY;
        transfer->fields = fields;
    }
    SET(CURLOPT_HTTPHEADER, transfer->fields);
    if (request->ca_file != NULL) {
        SET(CURLOPT_CAINFO, request->ca_file);
        // Those it names, and no others.
        SET(CURLOPT_CAPATH, NULL);
    }
    if (request->certificate_file != NULL) SET(CURLOPT_SSLCERT, request->certificate_file);
    if (request->key_file != NULL) SET(CURLOPT_SSLKEY, request->key_file);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_CONNECTTIMEOUT_MS, request->connect_milliseconds);
    if (request->total_milliseconds > 0) SET(CURLOPT_TIMEOUT_MS, request->total_milliseconds);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, 10L);
    SET(CURLOPT_TCP_KEEPINTVL, 5L);
    SET(CURLOPT_SOCKOPTFUNCTION, prepare_socket);
    SET(CURLOPT_SOCKOPTDATA, transfer);
    SET(CURLOPT_HEADERFUNCTION, take_line);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_WRITEFUNCTION, take_piece);
    SET(CURLOPT_WRITEDATA, transfer);
#undef SET
    return result;
}

static void release(CCurl_transfer *transfer) {
    if (transfer->handle != NULL) curl.easy_cleanup(transfer->handle);
    if (transfer->fields != NULL) curl.slist_free_all(transfer->fields);
    free(transfer);
}

CCurl_transfer *CCurl_start(CCurl_loop *loop, const CCurl_request *request, CCurl_receiver receiver, const char **error) {
    CCurl_transfer *transfer = calloc(1, sizeof *transfer);
    CURLcode result = CURLE_OUT_OF_MEMORY;
    if (transfer != NULL) {
        transfer->receiver = receiver;
        transfer->silence_milliseconds = request->silence_milliseconds;
        transfer->handle = curl.easy_init();
        if (transfer->handle != NULL) result = set_up(transfer, request);
        if (result == CURLE_OK && curl.multi_add_handle(loop->handle, transfer->handle) == CURLM_OK) return transfer;
        release(transfer);
    }
    *error = curl.easy_strerror(result == CURLE_OK ? CURLE_FAILED_INIT : result);
    return NULL;
}

void CCurl_free(CCurl_loop *loop, CCurl_transfer *transfer) {
    curl.multi_remove_handle(loop->handle, transfer->handle);
    release(transfer);
}

void CCurl_turn(CCurl_loop *loop, int milliseconds) {
    int count = 0;
    curl.multi_poll(loop->handle, NULL, 0, milliseconds, &count);
    curl.multi_perform(loop->handle, &count);
}

void CCurl_wake(CCurl_loop *loop) { curl.multi_wakeup(loop->handle); }

CCurl_transfer *CCurl_ended(CCurl_loop *loop, int *result) {
    int left = 0;
    CURLMsg *message;
    while ((message = curl.multi_info_read(loop->handle, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) continue;
        *result = (int)message->data.result;
        CCurl_transfer *transfer = NULL;
        curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        return transfer;
    }
    return NULL;
}

const char *CCurl_error(CCurl_transfer *transfer, int result) {
    return transfer->error[0] != 0 ? transfer->error : curl.easy_strerror((CURLcode)result);
}
