#pragma once
#include <nghttp2/nghttp2.h>

// Swift sees a union as one struct that it copies whole: what callbacks ask of a frame stands here.

static inline uint8_t CNghttp2_frame_type(const nghttp2_frame *frame) { return frame->hd.type; }
static inline uint8_t CNghttp2_frame_flags(const nghttp2_frame *frame) { return frame->hd.flags; }
static inline size_t CNghttp2_frame_length(const nghttp2_frame *frame) { return frame->hd.length; }
static inline int32_t CNghttp2_frame_stream(const nghttp2_frame *frame) { return frame->hd.stream_id; }
static inline int CNghttp2_headers_category(const nghttp2_frame *frame) { return (int)frame->headers.cat; }
static inline uint32_t CNghttp2_reset_code(const nghttp2_frame *frame) { return frame->rst_stream.error_code; }
static inline int32_t CNghttp2_goaway_stream(const nghttp2_frame *frame) { return frame->goaway.last_stream_id; }
static inline uint32_t CNghttp2_goaway_code(const nghttp2_frame *frame) { return frame->goaway.error_code; }
static inline const uint8_t *CNghttp2_ping_payload(const nghttp2_frame *frame) { return frame->ping.opaque_data; }
static inline size_t CNghttp2_data_padding(const nghttp2_frame *frame) { return frame->data.padlen; }
