import ConfigFormats
import ConfigValues
import Cryptography
import HTTPSemantics
import Manifests
import ServiceContracts

/// What one reader may see at one path, as it is sent.
struct ReaderDocument {
    let value: ConfigValue
    let bytes: [UInt8]
    /// Of these very bytes, so that it tells nothing of what is left out.
    let tag: String

    init(_ value: ConfigValue, _ format: ConfigFormat) throws(Problem) {
        self.value = value
        do throws(UnwritableValue) {
            bytes = format == .json ? value.json() : try format.write(value)
        } catch {
            throw .unwritable("\(format.rawValue) cannot say \(error.found) at \(error.path.dotted)")
        }
        tag = String(SHA256.hexadecimal(of: bytes).prefix(32))
    }
}

extension ConfigBoard {
    /// What a reader may have now.
    func document(_ request: ConfigRequest, at path: ConfigPath, by judge: Judge) throws(Problem) -> ReaderDocument {
        let resource = ResourceIdentity(.config, request.config)
        guard let version = config(request.config)?.value else {
            // That there is no value yet is told to who may read it, and to nobody else.
            let mayRead = judge.allows(.get, ReaderView.resourcePath(path), of: resource)
            throw mayRead && config(request.config) != nil ? .notReady : .forbidden
        }
        switch ReaderView(version, of: resource, by: judge).value(at: path) {
        case .value(let value): return try ReaderDocument(value, request.format)
        case .absent: throw .absent
        case .forbidden: throw .forbidden
        }
    }
}
