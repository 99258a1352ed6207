import Glibc

/// What a folder lists, one entry after the other, from any place on: a look that was interrupted goes on where it was.
///
/// SAFETY: `stream` is private, never nil, and closed once; what it hands out is copied, or gone when the call returns.
@safe
package struct FolderEntries: ~Copyable {
    package struct Entry {
        /// `nil`: not UTF-8.
        package let name: String?
        package let inode: UInt
        package let isFolder: Bool
        /// Where the one after it begins.
        package let next: Int
    }

    private let stream: OpaquePointer

    /// - Parameter position: Of `Entry.next`; 0: the beginning.
    package init(_ path: String, from position: Int = 0) throws(SystemCallError) {
        guard let new = unsafe opendir(path) else { throw SystemCallError(last: "opendir") }
        unsafe stream = new
        if position != 0 { unsafe seekdir(new, position) }
    }

    deinit { unsafe closedir(stream) }

    /// - Returns: `nil` at the end.
    package mutating func next() throws(SystemCallError) -> Entry? {
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                guard errno == 0 else { throw SystemCallError(last: "readdir") }
                return nil
            }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(validatingCString: $0)
                }
            }
            if name == "." || name == ".." { continue }
            return unsafe Entry(
                name: name, inode: UInt(entry.pointee.d_ino), isFolder: entry.pointee.d_type == UInt8(DT_DIR),
                next: entry.pointee.d_off)
        }
    }

    /// Where a link in it leads to, as the kernel has it, which is gone when `read` returns.
    /// - Parameter limit: In bytes; what is longer is cut.
    package func target<Value>(
        ofLink name: String, limit: Int, _ read: (UnsafeRawBufferPointer) -> Value
    ) throws(SystemCallError) -> Value {
        let descriptor = unsafe dirfd(stream)
        let result = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: limit) {
            (buffer) -> Result<Value, SystemCallError> in
            let count = unsafe readlinkat(descriptor, name, buffer.baseAddress!, buffer.count)
            guard count >= 0 else { return .failure(SystemCallError(last: "readlink")) }
            return unsafe .success(read(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])))
        }
        return try result.get()
    }

    /// What stands where a link in it leads to.
    package func facts(behindLink name: String) throws(SystemCallError) -> FileFacts {
        var status = stat()
        guard unsafe fstatat(dirfd(stream), name, &status, 0) == 0 else { throw SystemCallError(last: "stat") }
        return FileFacts(status)
    }
}
