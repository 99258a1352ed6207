import ConfigFormats
import Diagnostics
import EtcdClient
import HTTPTransfers
package import Manifests
package import ServiceContracts
import Synchronization
import SystemInterfaces

/// Makes what follows each ConfigSource of a mesh.
package final class ConfigSourceBackends: Sendable {
    /// Relative paths are relative to it.
    private let folder: String
    private let variables: [[UInt8]]
    /// Made with the first source that is asked over HTTP.
    private let loop = Mutex<TransferLoop?>(nil)

    /// - Parameters:
    ///   - folder: The manifests folder, absolute.
    ///   - variables: Of this process, as they were at its start: `NAME=value`.
    package init(folder: String, variables: [[UInt8]]) {
        self.folder = folder
        self.variables = variables
    }

    package func stop() { loop.withLock { $0 }?.stop() }

    package func backend(of source: ConfigSource) -> any ConfigSourceBackend {
        let text = SourceLabel(
            layer: source.metadata.name.description, isSecret: source.isSecret, isLiteral: !source.hasReferences)
        switch source.backing {
        case .inline(let data): return InlineBackend(data)
        case .file(let file):
            return FileBackend(absolute(file.path.value), .document(file.format, file.names), text)
        case .folder(let folder): return FileBackend(absolute(folder.path.value), .keys(folder.types), text)
        case .environment(let environment): return EnvironmentBackend(environment, text, variables: variables)
        case .http(let http):
            return overHTTP(text, "\(http.url.value)") { loop in
                let headers = http.headers.map { (name: $0.name.value, file: absolute($0.file.value)) }
                return HTTPBackend(
                    HTTPBackend.Settings(
                        url: "\(http.url.value)", format: http.format, names: http.names, interval: http.interval,
                        trust: TransferRequest.Trust(authorityFile: http.caFile.map { absolute($0.value) }),
                        fields: { Self.fields(headers) }), text, on: loop)
            }
        case .etcd(let etcd):
            return overHTTP(text, etcd.prefix) { loop in
                var access = EtcdAccess(endpoints: etcd.endpoints.map { "\($0.value)" })
                access.trust = TransferRequest.Trust(
                    authorityFile: etcd.tls.caFile.map { absolute($0.value) },
                    certificateFile: etcd.tls.certificate.map { absolute($0.certFile.value) },
                    keyFile: etcd.tls.certificate.map { absolute($0.keyFile.value) })
                access.user = etcd.user.map { user in
                    let file = absolute(user.passwordFile.value)
                    return EtcdAccess.User(name: user.name.value) { try? Self.line(of: file).get() }
                }
                return EtcdBackend(prefix: etcd.prefix, types: etcd.types, access, text, on: loop)
            }
        }
    }

    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileAccess.path(path, in: folder)
    }

    private func overHTTP(
        _ text: SourceLabel, _ place: String, _ make: (TransferLoop) -> any ConfigSourceBackend
    ) -> any ConfigSourceBackend {
        do throws(TransferFailure) {
            let loop = try loop.withLock { loop throws(TransferFailure) in
                if let loop { return loop }
                let made = try TransferLoop()
                loop = made
                return made
            }
            return make(loop)
        } catch {
            return FailedBackend(text.away(place, error.description, expected: "libcurl", remedy: "install libcurl4"))
        }
    }

    /// The values of header fields, each the text of a file.
    private static func fields(
        _ headers: [(name: String, file: String)]
    ) -> Result<[(name: String, value: String)], TransferFailure> {
        var fields: [(name: String, value: String)] = []
        for header in headers {
            switch line(of: header.file) {
            case .failure(let failure): return .failure(failure)
            case .success(let bytes):
                guard let value = String(validating: bytes, as: UTF8.self),
                    bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
                else {
                    return .failure(TransferFailure("\(header.file) holds more than the one line of a header's value"))
                }
                fields.append((header.name, value))
            }
        }
        return .success(fields)
    }

    /// What a file holds, without the line break at its end. 64 KiB at most.
    private static func line(of file: String) -> Result<[UInt8], TransferFailure> {
        do throws(SystemCallError) {
            guard case .bytes(let bytes, _) = try FileAccess.read(file, limit: 1 << 16) else {
                return .failure(TransferFailure("\(file) is no file that can be read whole now"))
            }
            return .success(FileBackend.withoutLineBreak(bytes))
        } catch {
            return .failure(TransferFailure("\(file): \(error.reason)"))
        }
    }
}

/// One that this host cannot follow at all.
private final class FailedBackend: ConfigSourceBackend {
    private let news: ConfigSourceNews

    init(_ news: ConfigSourceNews) { self.news = news }

    func start(_ tell: @escaping @Sendable (ConfigSourceNews) -> Void) { tell(news) }
    func stop() {}
}
