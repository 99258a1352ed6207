import CommonValues
import LocalAttestation

/// What listens at a port of this host, as a mesh has it.
struct FoundService {
    /// Of the Service and the Workload, and so of the service account: a DNS label, unique.
    var name: String
    let port: UInt16
    /// Where Heddle reaches it.
    let address: String
    /// Where it listens, for people.
    let listens: [String]
    /// Other hosts reach it, too, past the mesh.
    let isOpen: Bool
    let owner: Owner
    /// Where its processes have several services: whom all of these serve and call as. `nil`: as what the service is called.
    var account: String?

    /// Whose it is. All that one has are one process, as far as selectors can tell.
    struct Owner: Hashable {
        let uid: UInt32
        /// A unit of the system's own that selectors can name.
        let unit: String?
        /// That can be written as it is.
        let executable: String?
        /// It was seen, and cannot be written as it is.
        let hasOddPath: Bool
        /// Selectors can tell its processes from others'. Not where all of root's would be its own.
        var isTold: Bool { unit != nil || executable != nil || uid != 0 }

        init(_ port: OpenPort) {
            uid = port.uid
            unit = port.controlGroup.flatMap(Self.unit)
            executable = port.executable.flatMap { Self.isPlain($0) ? $0 : nil }
            hasOddPath = executable == nil && port.executable != nil
        }

        /// `/system.slice/NAME.service`, or an instance of a template in its slice. Others count only beside a user.
        private static func unit(ofGroup path: String) -> String? {
            let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
            guard parts.first == "system.slice", let unit = parts.last, unit.hasSuffix(".service"), unit.utf8.count > 8,
                unit.utf8.count <= 255, unit.utf8.allSatisfy(mayHave), !unit.hasPrefix("@"), !unit.contains("@.")
            else { return nil }
            let isInstance =
                parts.count == 3 && unit.contains("@") && parts[1].hasPrefix("system-") && parts[1].hasSuffix(".slice")
            return parts.count == 2 || isInstance ? unit : nil
        }

        private static func mayHave(_ byte: UInt8) -> Bool {
            FoundService.isLetterOrDigit(byte) || ":-_.\\@".utf8.contains(byte)
        }

        private static func isPlain(_ path: String) -> Bool {
            path.hasPrefix("/") && path.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        }
    }

    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte)
    }

    // MARK: From ports

    /// - Parameter limit: Those beyond are left out.
    static func all(_ ports: [OpenPort], limit: Int) -> [FoundService] {
        // One process at several addresses of a port is one service.
        var places: [Place] = []
        var indices: [Place.Key: Int] = [:]
        for port in ports where port.port > 0 {
            let key = Place.Key(port: port.port, owner: Owner(port))
            if let index = indices[key] {
                places[index].ports.append(port)
            } else if places.count < limit {
                indices[key] = places.count
                places.append(Place(key: key, ports: [port]))
            }
        }
        var counts: [String: Int] = [:]
        for place in places { counts[place.key.owner.label, default: 0] += 1 }
        // Files of these names are the Mesh's and the Node's.
        var taken: Set<String> = ["mesh", "node"]
        var services = places.map { place in
            let label = place.key.owner.label
            let name = unique(counts[label] == 1 ? label : "\(label)-\(place.key.port)", &taken)
            return FoundService(place, name: name)
        }
        // A process calls as one account, whatever port it was called at; and what is called so is no other's.
        var serviceCounts: [Owner: Int] = [:]
        for service in services where service.owner.isTold { serviceCounts[service.owner, default: 0] += 1 }
        var accounts: [Owner: String] = [:]
        for index in services.indices {
            let owner = services[index].owner
            guard serviceCounts[owner, default: 0] > 1 else { continue }
            let account = accounts[owner] ?? unique(owner.label, &taken)
            accounts[owner] = account
            services[index].account = account
        }
        return services
    }

    private struct Place {
        struct Key: Hashable {
            let port: UInt16
            let owner: Owner
        }

        let key: Key
        var ports: [OpenPort]
    }

    private init(_ place: Place, name: String) {
        self.name = name
        port = place.key.port
        owner = place.key.owner
        let addresses = place.ports.map(Self.reached)
        // Loopback before what may be another's tomorrow, and IPv4 before IPv6.
        address = Self.text(
            addresses.min { Self.rank($0) < Self.rank($1) } ?? IPAddress(v4: 0x7F00_0001), place.key.port)
        listens = place.ports.map { Self.text($0.address, $0.port) }
        isOpen = place.ports.contains { !$0.address.isLoopback }
    }

    /// The address at which this host reaches it.
    private static func reached(_ port: OpenPort) -> IPAddress {
        switch port.address {
        case .anyIPv4: IPAddress(v4: 0x7F00_0001)
        case .unspecified: port.isIPv6Only ? IPAddress(high: 0, low: 1) : IPAddress(v4: 0x7F00_0001)
        default: port.address
        }
    }

    private static func rank(_ address: IPAddress) -> Int {
        (address.isLoopback ? 0 : 2) + (address.v4 == nil ? 1 : 0)
    }

    private static func text(_ address: IPAddress, _ port: UInt16) -> String {
        address.v4 == nil ? "[\(address)]:\(port)" : "\(address):\(port)"
    }

    private static func unique(_ name: String, _ taken: inout Set<String>) -> String {
        var (candidate, number) = (name, 1)
        while !taken.insert(candidate).inserted {
            number += 1
            candidate = "\(name)-\(number)"
        }
        return candidate
    }
}

extension FoundService.Owner {
    /// What it is called: its unit, else its program, as a DNS label with room for a port and a number behind it.
    fileprivate var label: String {
        let name =
            unit.map { $0.dropLast(".service".count) }
            ?? executable.flatMap { path in path.lastIndex(of: "/").map { path[path.index(after: $0)...] } } ?? ""
        var label: [UInt8] = []
        for byte in name.utf8 {
            if FoundService.isLetterOrDigit(byte) {
                label.append(byte | 0x20)  // digits have that bit already
            } else if let last = label.last, last != UInt8(ascii: "-") {
                label.append(UInt8(ascii: "-"))
            }
            if label.count == Self.labelLimit { break }
        }
        while label.last == UInt8(ascii: "-") { label.removeLast() }
        let text = label.isEmpty ? "port" : String(decoding: label, as: UTF8.self)
        return Self.isWord(text) ? text : "service-\(text)"
    }

    /// Whether YAML takes it for text as it is (YAML 1.2.2, § 10.3.2, and what YAML 1.1 had besides): it stands in many places.
    private static func isWord(_ label: String) -> Bool {
        label.utf8.first.map { (0x61...0x7A).contains($0) } ?? false
            && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(label)
    }

    /// A DNS label has 63 bytes.
    private static var labelLimit: Int { 45 }
}
