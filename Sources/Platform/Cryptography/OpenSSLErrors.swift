import COpenSSL

/// OpenSSL's error queue of the current thread.
enum OpenSSLErrors {
    /// Takes the oldest entry off the queue.
    /// - Returns: What it says; `nil`: the queue is empty.
    static func next() -> String? {
        // SAFETY: OpenSSL hands out static strings, and `data` that lives until the queue's next use, which is copied.
        var data: UnsafePointer<CChar>?
        var flags: CInt = 0
        let packed = unsafe ERR_get_error_all(nil, nil, nil, &data, &flags)
        guard packed != 0 else { return nil }
        var text = "error \(String(packed, radix: 16))"
        if let reason = unsafe ERR_reason_error_string(packed) { text = unsafe String(cString: reason) }
        if flags & ERR_TXT_STRING != 0, let data = unsafe data, unsafe data.pointee != 0 {
            text += unsafe " (\(String(cString: data)))"
        }
        return text
    }
}
