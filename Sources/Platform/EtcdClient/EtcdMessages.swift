import ConfigValues
import Cryptography
import Diagnostics

/// What is asked of etcd's JSON gateway, and what it answers (etcd v3 API, `rpc.proto`): bytes are Base64, numbers of 64 bits are text,
/// and what is zero is left out.
enum EtcdMessage {
    static let authenticatePath = "/v3/auth/authenticate"
    static let rangePath = "/v3/kv/range"
    static let watchPath = "/v3/watch"
    static let transactionPath = "/v3/kv/txn"

    static func authenticate(_ name: String, _ password: [UInt8]) -> [UInt8]? {
        guard let password = String(validating: password, as: UTF8.self) else { return nil }
        return object(["name": .string(name), "password": .string(password)])
    }

    /// - Parameters:
    ///   - start: The first key.
    ///   - revision: 0: as it is now.
    static func range(from start: [UInt8], below prefix: [UInt8], revision: Int64, limit: Int) -> [UInt8] {
        object([
            "key": .base64(start), "range_end": .base64(end(of: prefix)), "revision": .number(revision),
            "limit": .number(Int64(limit)),
        ])
    }

    /// How many keys there are, and which one was changed last.
    static func newest(below prefix: [UInt8]) -> [UInt8] {
        object([
            "key": .base64(prefix), "range_end": .base64(end(of: prefix)), "limit": .number(1),
            "sort_order": .string("DESCEND"), "sort_target": .string("MOD"), "keys_only": true,
        ])
    }

    static func watch(below prefix: [UInt8], from revision: Int64) -> [UInt8] {
        Array(#"{"create_request":"#.utf8)
            + object([
                "key": .base64(prefix), "range_end": .base64(end(of: prefix)), "start_revision": .number(revision),
            ]) + Array("}".utf8)
    }

    /// The first key that does not begin with the prefix (`range_end`); all keys: a zero byte.
    static func end(of prefix: [UInt8]) -> [UInt8] {
        var end = prefix
        while let last = end.popLast() {
            if last < 0xFF { return end + [last + 1] }
        }
        return [0]
    }

    /// One key.
    static func key(_ key: [UInt8]) -> [UInt8] { object(["key": .base64(key)]) }

    /// The first key of a range, without its value.
    static func first(from start: [UInt8], below prefix: [UInt8], revision: Int64) -> [UInt8] {
        object([
            "key": .base64(start), "range_end": .base64(end(of: prefix)), "revision": .number(revision),
            "limit": .number(1), "keys_only": true,
        ])
    }

    static func transaction(_ transaction: EtcdTransaction) -> [UInt8] {
        object([
            "compare": .array(transaction.conditions.map(condition)), "success": .array(transaction.steps.map(step)),
        ])
    }

    private static func condition(_ condition: EtcdTransaction.Condition) -> JSONValue {
        switch condition {
        case .unchanged(let key, let revision):
            ["key": .base64(key), "target": "MOD", "result": "EQUAL", "mod_revision": .number(revision)]
        case .allOlder(let prefix, let revision):
            [
                "key": .base64(prefix), "range_end": .base64(end(of: prefix)), "target": "MOD", "result": "LESS",
                "mod_revision": .number(revision),
            ]
        }
    }

    private static func step(_ step: EtcdTransaction.Step) -> JSONValue {
        switch step {
        case .put(let key, let value): ["request_put": ["key": .base64(key), "value": .base64(value)]]
        case .delete(let key): ["request_delete_range": ["key": .base64(key)]]
        case .deleteAll(let prefix):
            ["request_delete_range": ["key": .base64(prefix), "range_end": .base64(end(of: prefix))]]
        }
    }

    private static func object(_ members: KeyValuePairs<String, JSONValue>) -> [UInt8] {
        Array(JSONValue.object(members.map { ($0.key, $0.value) }).rendered().utf8)
    }
}

extension JSONValue {
    fileprivate static func base64(_ bytes: [UInt8]) -> JSONValue {
        .string(String(decoding: Base64.text(of: bytes), as: UTF8.self))
    }

    /// Of 64 bits, which JSON's readers may not have.
    fileprivate static func number(_ number: Int64) -> JSONValue { .string(String(number)) }
}

/// What of etcd's answers is looked at.
struct EtcdAnswer: Sendable {
    /// Answers are read whole before they are looked at: the largest, in bytes. What is below a prefix may be as large as a config's
    /// text, which Base64 makes a third larger, with keys beside it.
    static let byteLimit = 24 << 20

    private let map: ConfigMap

    /// - Returns: `nil`: it is no answer of etcd's.
    init?(_ bytes: [UInt8]) {
        var limits = ConfigLimits()
        limits.byteCount = Self.byteLimit
        limits.valueCount = 2_000_000
        guard
            let value = try? JSONReader.read(
                bytes.span, of: TextOrigin(layer: "etcd", file: "an answer of etcd", isSecret: true), limits: limits),
            let map = value.map
        else { return nil }
        self.map = map
    }

    private init?(_ value: ConfigValue?) {
        guard let map = value?.map else { return nil }
        self.map = map
    }

    subscript(name: String) -> EtcdAnswer? { EtcdAnswer(map[name]) }

    func list(_ name: String) -> [EtcdAnswer] { map[name]?.list?.compactMap { EtcdAnswer($0) } ?? [] }

    /// 0 if it is left out.
    /// - Returns: `nil`: it is no number.
    func number(_ name: String) -> Int64? {
        switch map[name]?.content {
        case nil: 0
        case .string(let text): Int64(text)
        case .number(.integer(let number)): number
        default: nil
        }
    }

    func text(_ name: String) -> String? {
        if case .string(let text) = map[name]?.content { text } else { nil }
    }

    /// None if they are left out.
    func bytes(_ name: String) -> [UInt8]? {
        guard map[name] != nil else { return [] }
        return text(name).flatMap { Base64.bytes(of: $0.utf8) }
    }

    func isSet(_ name: String) -> Bool {
        if case .boolean(true) = map[name]?.content { true } else { false }
    }

    /// Of an error, in etcd's words.
    var problem: String? {
        if let text = text("error") ?? text("message") { return text }
        return self["error"].flatMap { $0.text("message") }
    }
}
