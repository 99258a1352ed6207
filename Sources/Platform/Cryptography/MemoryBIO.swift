import COpenSSL

/// Bytes in the form that OpenSSL's readers and writers take.
///
/// SAFETY: `pointer` is never nil, freed once, and used inside one call only. A reading BIO copies what it is given.
@safe
struct MemoryBIO: ~Copyable {
    let pointer: OpaquePointer

    /// An empty one, to write into.
    init() throws(CryptographyError) {
        guard let pointer = unsafe BIO_new(BIO_s_mem()) else {
            throw CryptographyError(drainingQueueAfter: "out of memory")
        }
        unsafe self.pointer = unsafe pointer
    }

    /// A copy of `contents`, to read from.
    init(contents: [UInt8]) throws(CryptographyError) {
        let new = unsafe BIO_new(BIO_s_mem())
        let written = unsafe contents.withUnsafeBytes { bytes in
            unsafe bytes.isEmpty ? 0 : BIO_write(new, bytes.baseAddress, CInt(clamping: bytes.count))
        }
        guard let pointer = unsafe new, written == contents.count else {
            unsafe BIO_free_all(new)
            throw CryptographyError(drainingQueueAfter: "out of memory")
        }
        unsafe self.pointer = unsafe pointer
    }

    deinit { unsafe BIO_free_all(pointer) }

    /// What was written so far.
    var contents: [UInt8] {
        var start: UnsafeMutablePointer<CChar>?
        let count = unsafe COpenSSL_memory_contents(pointer, &start)
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }
}
