package import HTTPTransfers

/// Where a cluster of etcd is, and as whom it is asked.
package struct EtcdAccess: Sendable {
    /// At least one: `http://127.0.0.1:2379`, without a path.
    package var endpoints: [String]
    package var trust = TransferRequest.Trust()
    package var user: User?

    package struct User: Sendable {
        package var name: String
        /// Read anew whenever etcd is asked for a token: `nil`, if it cannot be read.
        package var password: @Sendable () -> [UInt8]?

        package init(name: String, password: @escaping @Sendable () -> [UInt8]?) {
            self.name = name
            self.password = password
        }
    }

    package init(endpoints: [String]) {
        precondition(!endpoints.isEmpty)
        self.endpoints = endpoints
    }
}

/// What lies below a prefix, as it was at one revision.
package struct EtcdEntries: Sendable, Hashable {
    package struct Entry: Sendable, Hashable {
        package let value: [UInt8]
        /// Of the change that gave the key this value.
        package let revision: Int64

        package init(value: [UInt8], revision: Int64) {
            self.value = value
            self.revision = revision
        }
    }

    /// Of the whole store.
    package var revision: Int64 = 0
    /// By the whole key.
    package var values: [[UInt8]: Entry] = [:]

    package init() {}
}

/// What is told of a prefix that is followed.
package enum EtcdNews: Sendable {
    case entries(EtcdEntries)
    /// It cannot be read, and why; it is tried again.
    case away(String)
}
