import CNghttp2

/// What nghttp2 calls, the same for every session: each call goes on to the session it is about.
///
/// SAFETY: made once and never changed; nghttp2 copies it into each session. The pointers it passes are valid during a call,
/// and a session's `user_data` is the session, which lives as long as nghttp2's.
@safe
final class HTTP2Callbacks {
    let pointer: OpaquePointer

    init() {
        var pointer: OpaquePointer?
        guard unsafe nghttp2_session_callbacks_new(&pointer) == 0, let pointer = unsafe pointer else {
            fatalError("out of memory")
        }
        unsafe self.pointer = unsafe pointer
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(pointer) { _, frame, session in
            unsafe HTTP2Session.of(session) { unsafe $0.beganHeaders(frame!) }
        }
        unsafe nghttp2_session_callbacks_set_on_header_callback(pointer) {
            _, _, name, nameCount, value, valueCount, flags, session in
            unsafe HTTP2Session.of(session) {
                let isNeverIndexed = flags & UInt8(NGHTTP2_NV_FLAG_NO_INDEX.rawValue) != 0
                return unsafe $0.receivedField(
                    Span(_unsafeStart: name!, count: nameCount), Span(_unsafeStart: value!, count: valueCount),
                    isNeverIndexed: isNeverIndexed)
            }
        }
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(pointer) {
            _, _, id, bytes, byteCount, session in
            unsafe HTTP2Session.of(session) { unsafe $0.receivedData(id, Span(_unsafeStart: bytes!, count: byteCount)) }
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(pointer) { _, frame, session in
            unsafe HTTP2Session.of(session) { unsafe $0.receivedFrame(frame!) }
        }
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(pointer) { _, frame, session in
            unsafe HTTP2Session.of(session) { unsafe $0.sentFrame(frame!) }
        }
        unsafe nghttp2_session_callbacks_set_on_frame_not_send_callback(pointer) { _, frame, error, session in
            unsafe HTTP2Session.of(session) { unsafe $0.didNotSend(frame!, error) }
        }
        unsafe nghttp2_session_callbacks_set_send_data_callback(pointer) {
            _, frame, header, byteCount, source, session in
            unsafe HTTP2Session.of(session) {
                unsafe $0.sendData(Span(_unsafeStart: header!, count: 9), byteCount, source!.pointee.ptr)
            }
        }
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(pointer) { _, id, code, session in
            unsafe HTTP2Session.of(session) { $0.streamClosed(id, code) }
        }
    }

    deinit { unsafe nghttp2_session_callbacks_del(pointer) }

    /// Asks a stream what it has to send.
    static var dataProvider: nghttp2_data_source_read_callback {
        { _, _, _, limit, flags, source, session in
            unsafe HTTP2Session.of(session) { unsafe $0.nextData(limit, flags!, source!.pointee.ptr) }
        }
    }
}
