import ConfigFormats
import ConfigValues
import Cryptography
import HTTPSemantics
import Manifests
import ServiceContracts
import Synchronization

/// What a reader may see at one path, as it is sent. Readers who may see the same share it.
final class ReaderDocument: Sendable {
    let value: ConfigValue
    let bytes: [UInt8]
    /// Of these very bytes, so that it tells nothing of what is left out.
    let tag: String
    /// By the tag of what there was before, as most of its readers had the same.
    private let patches = Mutex<[String: [UInt8]]>([:])

    /// Default: 8.
    private static let patchLimit = 8

    init(_ value: ConfigValue, _ format: ConfigFormat) throws(Problem) {
        self.value = value
        do throws(UnwritableValue) {
            bytes = format == .json ? value.json() : try format.write(value)
        } catch {
            throw .unwritable("\(format.rawValue) cannot say \(error.found) at \(error.path.dotted)")
        }
        tag = String(SHA256.hexadecimal(of: bytes).prefix(32))
    }

    /// What has changed since another one (RFC 6902, as JSON).
    func patch(from former: ReaderDocument) -> [UInt8] {
        if let known = patches.withLock({ $0[former.tag] }) { return known }
        var patch: [UInt8] = []
        JSONPatch(from: former.value, to: value).writeJSON(into: &patch)
        patches.withLock { patches in
            if patches.count >= Self.patchLimit { patches.removeAll() }
            patches[former.tag] = patch
        }
        return patch
    }
}

/// Whole documents of one version, made once for all readers to whom the rules say the same.
final class SharedDocuments: Sendable {
    struct Key: Hashable {
        let readers: LikeReaders
        let format: ConfigFormat
    }

    private struct State {
        var documents: [Key: ReaderDocument] = [:]
        var byteCount = 0
    }

    /// What is kept, and made anew when there is more: 256 documents, of 8 MiB together.
    private static let documentLimit = 256
    private static let byteLimit = 8 << 20

    private let state = Mutex(State())

    func document(
        _ key: Key, else make: () throws(Problem) -> ReaderDocument
    ) throws(Problem) -> ReaderDocument {
        if let known = state.withLock({ $0.documents[key] }) { return known }
        let document = try make()
        return state.withLock { state in
            // Another thread has made it meanwhile: one is enough.
            if let known = state.documents[key] { return known }
            if state.documents.count >= Self.documentLimit || state.byteCount + document.bytes.count > Self.byteLimit {
                state = State()
            }
            state.documents[key] = document
            state.byteCount += document.bytes.count
            return document
        }
    }
}

extension ConfigBoard {
    /// What a reader may have now.
    func document(_ request: ConfigRequest, at path: ConfigPath, by judge: Judge) throws(Problem) -> ReaderDocument {
        try document(of: request.config, request.format, at: path, by: judge)
    }

    func document(
        of config: ResourceName, _ format: ConfigFormat, at path: ConfigPath, by judge: Judge
    ) throws(Problem) -> ReaderDocument {
        let resource = ResourceIdentity(.config, config)
        guard let version = self.config(config)?.value else {
            // That there is no value yet is told to who may read it, and to nobody else.
            let mayRead = judge.allows(.get, ReaderView.resourcePath(path), of: resource)
            throw mayRead && self.config(config) != nil ? .notReady : .forbidden
        }
        func make() throws(Problem) -> ReaderDocument {
            switch ReaderView(version, of: resource, by: judge).value(at: path) {
            case .value(let value): try ReaderDocument(value, format)
            case .absent: throw .absent
            case .forbidden: throw .forbidden
            }
        }
        guard path.keys.isEmpty, let readers = judge.likeReaders(of: resource) else { return try make() }
        return try version.documents.document(.init(readers: readers, format: format), else: make)
    }
}
