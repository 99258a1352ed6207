import Synchronization

/// A name that counters are kept under, as a small integer: what the request path carries instead of a string.
package struct Label: Hashable, Sendable {
    package let id: UInt32

    package init(id: UInt32) { self.id = id }
}

/// Gives each name one label for the life of the process. Asked when a generation is compiled, never per request.
package final class LabelRegistry: Sendable {
    private struct State {
        var ids: [String: UInt32] = ["": 0]
        var names: [String] = [""]
    }

    private let state = Mutex(State())

    package init() {}

    package func label(_ name: String) -> Label {
        state.withLock { state in
            if let id = state.ids[name] { return Label(id: id) }
            let id = UInt32(state.names.count)
            state.ids[name] = id
            state.names.append(name)
            return Label(id: id)
        }
    }

    package func name(of label: Label) -> String {
        state.withLock { $0.names[Int(label.id)] }
    }

    /// The empty name.
    package static let none = Label(id: 0)
}
