import ConfigFormats
import ConfigValues
import Diagnostics
import EtcdClient
import Foundation
import HTTPTransfers
import Manifests
import ServiceContracts
import Synchronization
import TestSupport
import Testing

@testable import ConfigSources

/// A source of one type, and what somebody does to it: the same for all types.
protocol SourceWorld: AnyObject {
    var backend: any ConfigSourceBackend { get }
    /// From now on it holds `{"a": {"text": text}, "number": text}`, as strings.
    func hold(_ text: String) throws
    /// From now on it cannot be read.
    func breakDown() throws
    /// It can be read again, once it holds something.
    func mend() throws
}

extension SourceWorld {
    func mend() throws {}
    static var text: SourceLabel { SourceLabel(layer: "shop/source", isSecret: true) }
}

/// What a backend has told.
final class Heard: Sendable {
    private let news = Mutex<[ConfigSourceNews]>([])

    init(_ backend: any ConfigSourceBackend) {
        backend.start { [self] news in
            // That it holds what it held is said as often as it is asked.
            if case .unchanged = news { return }
            self.news.withLock { $0.append(news) }
        }
    }

    var all: [ConfigSourceNews] { news.withLock { $0 } }

    /// `a.text` and `number` of each tree.
    var texts: [[String?]] {
        trees.map { tree in [["a", "text"], ["number"]].map { Self.text(tree[ConfigPath($0)]) } }
    }
    var trees: [ConfigValue] { all.compactMap { if case .tree(let tree) = $0 { tree.value } else { nil } } }

    var last: String? {
        guard case .tree(let tree) = all.last else { return nil }
        return Self.text(tree.value[ConfigPath(["number"])])
    }

    var failure: [Diagnostic]? {
        if case .failure(let diagnostics) = all.last { diagnostics } else { nil }
    }

    private static func text(_ value: ConfigValue?) -> String? {
        if case .string(let text) = value?.content { text } else { nil }
    }
}

final class FolderPlace {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "heddle-source-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// As editors do: whole, under another name, and then in the place of the one before.
    func replace(_ name: String, _ text: String) throws {
        let target = path + "/" + name
        try FileManager.default.createDirectory(
            atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try text.write(toFile: target, atomically: true, encoding: .utf8)
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path + "/" + name) }
}

final class FileWorld: SourceWorld {
    let backend: any ConfigSourceBackend
    private let place: FolderPlace
    private let format: ConfigFormat
    private let name: String

    init(_ format: ConfigFormat, name: String) throws {
        place = try FolderPlace()
        self.format = format
        self.name = name
        backend = FileBackend(place.path + "/" + name, .document(format, DotenvNames()), Self.text)
    }

    func hold(_ text: String) throws {
        let written =
            switch format {
            case .json: "{\"a\": {\"text\": \"\(text)\"}, \"number\": \"\(text)\"}"
            case .yaml: "a:\n  text: \"\(text)\"\nnumber: \"\(text)\"\n"
            case .toml: "number = \"\(text)\"\n[a]\ntext = \"\(text)\"\n"
            case .dotenv: "number=\(text)\n"
            }
        try place.replace(name, written)
    }

    func breakDown() throws { try place.remove(name) }
}

final class FolderWorld: SourceWorld {
    let backend: any ConfigSourceBackend
    private let place: FolderPlace
    private var count = 0

    init() throws {
        place = try FolderPlace()
        backend = FileBackend(place.path + "/current", .keys(.text), Self.text)
    }

    /// As Kubernetes does: a new folder, and a link to it that is put in the other's place.
    func hold(_ text: String) throws {
        count += 1
        try place.replace("\(count)/a/text", text)
        try place.replace("\(count)/number", text + "\n")
        try? place.remove("next")
        try FileManager.default.createSymbolicLink(
            atPath: place.path + "/next", withDestinationPath: "\(count)")
        _ = unsafe rename(place.path + "/next", place.path + "/current")
    }

    func breakDown() throws { try place.remove("current") }
}

final class HTTPWorld: SourceWorld {
    let backend: any ConfigSourceBackend
    private let server: TestBackend
    private let answer: Answer

    final class Answer: Sendable {
        private let text = Mutex("")
        var now: String { text.withLock { $0 } }
        func change(_ new: String) { text.withLock { $0 = new } }
    }

    init() throws {
        let answer = Answer()
        self.answer = answer
        server = TestBackend { connection, backend in
            while true {
                let head = connection.receive(through: "\r\n\r\n")
                guard head.hasSuffix("\r\n\r\n") else { return }
                backend.note(head)
                let now = answer.now
                let tag = "\"\(now.utf8.reduce(5381) { ($0 &* 33) ^ Int($1) })\""
                if now.isEmpty {
                    connection.send("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
                } else if head.contains("if-none-match: \(tag)\r\n") {
                    connection.send("HTTP/1.1 304 Not Modified\r\nETag: \(tag)\r\n\r\n")
                } else {
                    connection.send(
                        "HTTP/1.1 200 OK\r\nETag: \(tag)\r\nContent-Length: \(now.utf8.count)\r\n\r\n\(now)")
                }
            }
        }
        backend = HTTPBackend(
            HTTPBackend.Settings(
                url: "http://127.0.0.1:\(server.port)/config.json", format: .json, interval: .milliseconds(10)),
            Self.text, on: try SharedLoop.loop.get())
    }

    func hold(_ text: String) { answer.change("{\"a\": {\"text\": \"\(text)\"}, \"number\": \"\(text)\"}") }
    func breakDown() { answer.change("") }
}

final class EtcdWorld: SourceWorld {
    let backend: any ConfigSourceBackend
    private let etcd: EtcdServer

    init() throws {
        etcd = try EtcdServer()
        backend = EtcdBackend(
            prefix: "/app/", .init(endpoints: [etcd.endpoint]), Self.text, on: try SharedLoop.loop.get())
    }

    func hold(_ text: String) throws { try etcd.put([("/app/a/text", text), ("/app/number", text)]) }
    func breakDown() { etcd.kill() }
    func mend() throws { try etcd.start() }
}

enum SharedLoop {
    static let loop = Result { try TransferLoop() }
}

/// All types that can change.
enum WorldKind: String, CaseIterable, CustomTestStringConvertible {
    case json, yaml, toml, dotenv, folder, http, etcd

    var testDescription: String { rawValue }

    static var there: [WorldKind] { allCases.filter { $0 != .etcd || EtcdServer.program != nil } }

    func make() throws -> any SourceWorld {
        switch self {
        case .json: try FileWorld(.json, name: "app.json")
        case .yaml: try FileWorld(.yaml, name: "app.yaml")
        case .toml: try FileWorld(.toml, name: "app.toml")
        case .dotenv: try FileWorld(.dotenv, name: ".env")
        case .folder: try FolderWorld()
        case .http: try HTTPWorld()
        case .etcd: try EtcdWorld()
        }
    }

    /// Of one that nests.
    var nested: Bool { self != .dotenv }
}
