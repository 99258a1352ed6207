import Glibc
import Testing

@testable import WorkloadIdentity

@Suite struct `The folder of secrets` {
    private let test: TestIssuer
    private let folder: SecretsFolder

    init() throws {
        test = try TestIssuer()
        folder = try SecretsFolder("secrets", in: TestIssuer.held(test.path("state")))
    }

    @Test func `has no file where none is listed`() throws {
        #expect(try !folder.has("root.pem"))
        #expect(try folder.read("root.pem") == nil)
    }

    /// An authority on a disk that is not there yet must not be replaced by a new one.
    @Test func `does not take a link that leads nowhere for no file`() throws {
        #expect(unsafe symlink("/nowhere/root.pem", folder.file("root.pem")) == 0)
        #expect(throws: IdentityError.self) { try folder.has("root.pem") }
        #expect(throws: IdentityError.self) { try folder.read("root.pem") }
    }

    @Test func `says which call of the system failed`() throws {
        #expect(unsafe symlink("loop", folder.file("loop")) == 0)
        #expect(
            throws: IdentityError(
                .stateFolder, "cannot read \"\(folder.file("loop"))\": Too many levels of symbolic links",
                systemError: ELOOP)
        ) {
            try folder.read("loop")
        }
    }

    /// An empty record of roots that are trusted would be believed, and they forgotten.
    @Test func `takes nothing for a file that is none, and waits for nobody`() throws {
        #expect(unsafe mkfifo(folder.file("fifo"), 0o600) == 0)
        #expect(unsafe symlink("/dev/null", folder.file("device")) == 0)
        for name in ["fifo", "device"] {
            let message = "cannot read \"\(folder.file(name))\": it is not a file"
            #expect(throws: IdentityError(.stateFolder, message)) { try folder.read(name) }
        }
        #expect(unsafe mkdir(folder.file("folder"), 0o700) == 0)
        #expect(throws: IdentityError.self) { try folder.read("folder") }
    }

    @Test func `writes no more than it would read`() throws {
        let most = [UInt8](repeating: 7, count: 16 << 20)
        try folder.replace("record", with: most)
        #expect(throws: IdentityError.self) { try folder.replace("record", with: most + [8]) }
        #expect(try folder.read("record") == most)
    }
}
