import Diagnostics

extension JSONMembers {
    mutating func add(_ name: String, _ duration: Duration?) { add(name, duration?.manifestText) }
}
