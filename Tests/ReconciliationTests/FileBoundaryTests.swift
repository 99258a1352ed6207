import Diagnostics
import Foundation
import Testing

@testable import Reconciliation

@Suite struct FileBoundaryTests {
    private let folder = TestFolder()
    private let here = SourcePosition(file: "a.yaml", line: 1, column: 1)

    private func boundary(_ names: String...) -> FileBoundary {
        FileBoundary(below: names.map { folder.path + "/" + $0 }, elsewhere: "/dev/null")
    }

    @Test(arguments: [
        "/etc/shadow", "../secret", "a/../../secret", "/", "", ".", "FOLDER/files", "FOLDER/files/",
        "FOLDER/files-too/a",
        "FOLDER/files/../files/a", "FOLDER/files/a/..",
    ])
    func whatLiesElsewhereIsOutside(path: String) {
        let path = path.replacingOccurrences(of: "FOLDER", with: folder.path)
        #expect(boundary("files").mistake(in: path, at: here)?.code == .fileOutside)
        #expect(boundary("files").strays(path, at: here)?.code == .fileOutside)
    }

    @Test(arguments: [
        "a.pem", "tls/a.pem", "./a.pem", "FOLDER/files/a.pem", "FOLDER//files/./a.pem", "FOLDER/more/a.sock",
    ])
    func whatLiesBelowIsNot(path: String) throws {
        try FileManager.default.createDirectory(atPath: folder.path + "/files/tls", withIntermediateDirectories: true)
        let path = path.replacingOccurrences(of: "FOLDER", with: folder.path)
        #expect(boundary("files", "more").mistake(in: path, at: here) == nil)
        #expect(boundary("files", "more").strays(path, at: here) == nil)
    }

    @Test func withoutFoldersNothingMayBeNamed() {
        let none = FileBoundary(below: [], elsewhere: "/dev/null")
        for path in ["a", "/dev/null/a", "/etc/passwd"] { #expect(none.mistake(in: path, at: here) != nil) }
    }

    @Test func aFolderOfTheHostsOwnHasNone() {
        let own = FileBoundary(ofFolder: folder.path)
        for path in ["../a", "/etc/passwd"] { #expect(own.strays(path, at: here) == nil) }
    }

    @Test func linksThatLeadOutAreOutside() throws {
        let files = folder.path + "/files"
        let manager = FileManager.default
        try manager.createDirectory(atPath: files + "/in", withIntermediateDirectories: true)
        try manager.createDirectory(atPath: folder.path + "/secret", withIntermediateDirectories: true)
        #expect(manager.createFile(atPath: folder.path + "/secret/key", contents: Data()))
        #expect(manager.createFile(atPath: files + "/in/key", contents: Data()))
        for (link, target) in [
            ("out", "../secret"), ("key", "../secret/key"), ("nowhere", "/does/not/exist"), ("circle", "circle"),
            ("inside", "in/key"),
        ] {
            try manager.createSymbolicLink(atPath: files + "/" + link, withDestinationPath: target)
        }
        let boundary = boundary("files")
        for path in ["out/key", "key", "nowhere", "circle", "out/new", "nowhere/new"] {
            #expect(boundary.mistake(in: path, at: here) == nil)
            #expect(boundary.strays(path, at: here)?.code == .fileOutside, "\(path)")
        }
        for path in ["inside", "in/key", "in/new", "new/new"] {
            #expect(boundary.strays(path, at: here) == nil, "\(path)")
        }
    }

    @Test func theFolderItselfMayBeALink() throws {
        let manager = FileManager.default
        try manager.createDirectory(atPath: folder.path + "/real", withIntermediateDirectories: true)
        try manager.createSymbolicLink(atPath: folder.path + "/files", withDestinationPath: "real")
        #expect(manager.createFile(atPath: folder.path + "/real/key", contents: Data()))
        #expect(boundary("files").strays("key", at: here) == nil)
    }
}
