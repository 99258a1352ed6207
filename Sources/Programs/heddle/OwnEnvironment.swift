import Glibc

/// The environment of this process, byte by byte.
enum OwnEnvironment {
    /// `NAME=value`
    static var all: [[UInt8]] {
        var variables: [[UInt8]] = []
        var next = unsafe environ
        while let variable = unsafe next.pointee {
            unsafe variables.append(
                Array(UnsafeBufferPointer(start: variable, count: strlen(variable)).map(UInt8.init(bitPattern:))))
            unsafe next += 1
        }
        return variables
    }
}
