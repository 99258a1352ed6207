import CallPlanning
package import Cryptography
package import EventLoops
package import Manifests

/// A listener of a Gateway that shows a certificate of the operator's.
package struct SecureListener: Sendable {
    package let address: NetworkAddress
    package let gateway: ResourceName
    /// `nil`: whatever name is asked for, or none.
    package let hostname: String?
    package let tls: ListenerTLS

    package init(address: NetworkAddress, gateway: ResourceName, hostname: String?, tls: ListenerTLS) {
        self.address = address
        self.gateway = gateway
        self.hostname = hostname
        self.tls = tls
    }

    /// - Returns: `nil` where there is no TLS.
    init?(_ plan: GatewayRules, at address: NetworkAddress) {
        guard let tls = plan.listener.tls else { return nil }
        self.init(
            address: address, gateway: plan.name, hostname: plan.listener.hostname?.value.description, tls: tls)
    }
}

/// What each Gateway listener shows: what its files hold, or, while they cannot be used, what it showed before. A value;
/// `Credentials` is `TLSCredentials` but in tests.
package struct GatewayCertificates<Credentials: Sendable>: Sendable {
    /// A listener whose files cannot be used.
    package struct Fault: Sendable {
        package let listener: SecureListener
        package let error: CryptographyError
        /// What was in force for this name goes on; otherwise the name has nothing to show.
        package let formerGoesOn: Bool
    }

    private struct Place: Hashable {
        let address: NetworkAddress
        let hostname: String?

        init(_ listener: SecureListener) {
            address = listener.address
            hostname = listener.hostname
        }
    }

    private struct Files: Hashable {
        let certificate: String
        let key: String

        init(_ tls: ListenerTLS) {
            certificate = tls.certificateFile.value
            key = tls.keyFile.value
        }
    }

    private struct Entry {
        let gateway: ResourceName
        /// That they were read from, which may not be what the manifest names by now.
        let files: Files
        let credentials: Credentials

        func passed(to gateway: ResourceName) -> Entry {
            Entry(gateway: gateway, files: files, credentials: credentials)
        }
    }

    private var entries: [Place: Entry] = [:]
    private var faulty: Set<Place> = []

    package init() {}

    package func credentials(for listener: SecureListener) -> Credentials? { entries[Place(listener)]?.credentials }

    /// The file that they were read from, which is not the listener's where the former ones go on.
    package func certificateFile(for listener: SecureListener) -> String? {
        entries[Place(listener)]?.files.certificate
    }

    /// What the listeners of the next set show.
    ///
    /// A listener whose files cannot be used shows what was read from the same files for the same name, or else what the
    /// same Gateway showed for the same name at the same address. Nothing else stands in: not what another listener has, and
    /// not what was in force for a name of which this is only a part.
    /// - Parameters:
    ///   - readsAgain: All files; otherwise those alone that could not be used.
    ///   - read: Reads a listener's files.
    package func following(
        _ listeners: [SecureListener], readsAgain: Bool = true,
        read: (ListenerTLS) -> Result<Credentials, CryptographyError>
    ) -> (certificates: Self, faults: [Fault]) {
        var next = Self()
        var faults: [Fault] = []
        var known: [Files: Result<Credentials, CryptographyError>] = [:]
        for listener in listeners {
            let place = Place(listener)
            let files = Files(listener.tls)
            let former = former(for: listener, place, files)
            if !readsAgain, !faulty.contains(place), let former, former.files == files {
                next.entries[place] = former
                continue
            }
            let result = known[files] ?? read(listener.tls)
            known[files] = result
            switch result {
            case .success(let credentials):
                next.entries[place] = Entry(gateway: listener.gateway, files: files, credentials: credentials)
            case .failure(let error):
                if let former { next.entries[place] = former }
                next.faulty.insert(place)
                faults.append(Fault(listener: listener, error: error, formerGoesOn: former != nil))
            }
        }
        return (next, faults)
    }

    private func former(for listener: SecureListener, _ place: Place, _ files: Files) -> Entry? {
        let same = entries[place]
        if let same, same.files == files { return same.passed(to: listener.gateway) }
        let moved = entries.first { $0.key.hostname == place.hostname && $0.value.files == files }
        if let moved { return moved.value.passed(to: listener.gateway) }
        guard let same, same.gateway == listener.gateway else { return nil }
        return same
    }
}
