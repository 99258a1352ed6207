import Glibc
import Synchronization
import SystemInterfaces
import Testing

@testable import Reconciliation

/// A folder of its own, removed at the end.
final class TestFolder: Sendable {
    let base: String
    /// The manifests folder in it.
    var path: String { base + "/mesh" }
    var state: String { base + "/state" }

    private let held = Mutex<HeldFolder?>(nil)

    /// The state folder, as who asks first finds it, or makes it.
    var heldState: HeldFolder {
        held.withLock { held in
            if let held { return held }
            unsafe mkdir(state, 0o700)
            let folder = HeldFolder(state)
            do throws(SystemCallError) { try folder.hold(OpenFolder(state)) } catch { folder.refuse(error.errno) }
            held = folder
            return folder
        }
    }

    init() {
        var template = Array("/tmp/heddle-test-XXXXXX".utf8CString)
        base = unsafe String(cString: mkdtemp(&template)!)
        unsafe mkdir(path, 0o755)
    }

    deinit { run("rm -rf '\(base)'") }

    /// Runs a shell command in the manifests folder.
    func run(_ command: String) {
        let status = unsafe system("cd '\(base)' && { cd mesh 2>/dev/null; \(command)\n} >/dev/null 2>&1")
        #expect(status == 0, "\(command)")
    }

    /// As most programs save: a new file, moved over the old one.
    func replace(_ name: String, _ text: String) {
        let hidden = base + "/new"
        let writer = SlowWriter(hidden, flags: O_CREAT | O_TRUNC)
        writer.write(text)
        writer.close()
        unsafe rename(hidden, path + "/" + name)
    }

    func service(_ name: String, _ value: String, in file: String? = nil) {
        replace(file ?? "\(name).yaml", FakeManifests.document(name, value))
    }

    func text(_ name: String) -> String? {
        do throws(SystemCallError) {
            guard case .bytes(let bytes, _) = try FileAccess.read(path + "/" + name, limit: 1 << 20) else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        } catch {
            return nil
        }
    }
}

/// A file that is written piece by piece.
final class SlowWriter: Sendable {
    private let descriptor: CInt

    init(_ path: String, flags: CInt = O_TRUNC) {
        descriptor = unsafe open(path, O_WRONLY | flags, 0o644)
    }

    func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe Glibc.write(descriptor, bytes, bytes.count)
    }

    func close() { _ = Glibc.close(descriptor) }
}
