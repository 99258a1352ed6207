package import ConfigFormats

/// A file with the values that a workload may read.
package struct ConfigProjection: Hashable, Sendable {
    /// Absolute, as links and dots lead to.
    package var path: Located<String>
    /// Default: by the path's extension.
    package var format: ConfigFormat
    /// Whose view is written; `name` means the Config's namespace.
    package var workload: Located<ResourceName>
    /// Permissions: bits of `chmod(2)`. Default: 0600.
    package var mode: UInt16
    /// `nil`: the user that all selectors of the workload name.
    package var owner: UserReference?
    package var onChange: ProjectionHook?
}

/// What is done when the file has changed.
package enum ProjectionHook: Hashable, Sendable {
    /// To the main process of a systemd unit.
    case signalUnit(ProcessSignal, unit: String)
    /// To the process whose number stands in a file, if the workload's selectors match it.
    case signalProcess(ProcessSignal, pidFile: Located<String>)
    /// A call under the mesh's rules; its path is canonical.
    case call(service: Located<ResourceName>, path: String)

    package var isCall: Bool { if case .call = self { true } else { false } }
}

/// Those that programs take for "read your configuration", or end by.
package enum ProcessSignal: String, Hashable, Sendable, CaseIterable {
    case hangUp = "HUP"
    case interrupt = "INT"
    case terminate = "TERM"
    case user1 = "USR1"
    case user2 = "USR2"
    case windowChange = "WINCH"
}
