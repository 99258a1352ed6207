import ConfigValues
import Diagnostics
import EtcdClient
import HTTPTransfers
import Manifests
import ServiceContracts
import Synchronization

/// What lies below a prefix of etcd, nested at each `/`.
final class EtcdBackend: ConfigSourceBackend {
    private let prefix: String
    private let access: EtcdAccess
    private let loop: TransferLoop
    private let tree: TextTree
    private let follower = Mutex<EtcdFollower?>(nil)

    init(prefix: String, types: TextTypes = .text, _ access: EtcdAccess, _ source: SourceLabel, on loop: TransferLoop) {
        self.prefix = prefix
        self.access = access
        self.loop = loop
        tree = TextTree(source: source, isInferred: types == .infer, noun: "a key", position: .place(prefix))
    }

    func start(_ tell: @escaping @Sendable (ConfigSourceNews) -> Void) {
        let follower = EtcdFollower(Array(prefix.utf8), of: access, on: loop) { [self] news in tell(self.news(of: news))
        }
        self.follower.withLock { $0 = follower }
    }

    func stop() { follower.withLock { $0 }?.stop() }

    private func news(of news: EtcdNews) -> ConfigSourceNews {
        switch news {
        case .away(let reason):
            return tree.source.away(
                "etcd at \(access.endpoints.joined(separator: ", "))", reason, expected: "an etcd that answers",
                remedy: "start it, or correct the endpoints; it is asked again by itself")
        case .entries(let entries):
            var leaves: [TextTree.Leaf] = []
            for (key, entry) in entries.values {
                guard let name = String(validating: key, as: UTF8.self) else { return unreadable(key, entry) }
                let path = name.dropFirst(prefix.count).split(separator: "/").map(String.init)
                // A key that is the prefix itself is where nothing can stand: the root is a map.
                guard !path.isEmpty else { continue }
                leaves.append(
                    TextTree.Leaf(
                        path: path, text: entry.value, position: .place("\(name) at revision \(entry.revision)")))
            }
            return tree.news(leaves, version: "revision \(entries.revision)")
        }
    }

    private func unreadable(_ key: [UInt8], _ entry: EtcdEntries.Entry) -> ConfigSourceNews {
        .failure([
            Diagnostic(
                .sourceKey, at: .place("a key at revision \(entry.revision)"),
                found: "a key that is not UTF-8: \(Diagnostic.quoted(String(printable: key)))", expected: "UTF-8",
                remedy: "remove it, or choose another prefix")
        ])
    }
}
