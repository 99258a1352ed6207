import Glibc

/// A folder of a test's own, which ends with it.
package final class ScratchFolder: Sendable {
    /// Absolute, without links.
    package let path: String

    package init() {
        var template = Array("/tmp/heddle-scratch-XXXXXX".utf8CString)
        path = unsafe String(cString: mkdtemp(&template)!)
        unsafe chmod(path, 0o755)
    }

    deinit { unsafe system("rm -rf '\(path)'") }

    package func write(_ text: String, to name: String) {
        let file = unsafe fopen("\(path)/\(name)", "w")
        unsafe fputs(text, file)
        unsafe fclose(file)
    }
}
