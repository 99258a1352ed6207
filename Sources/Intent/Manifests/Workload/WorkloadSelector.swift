/// What a process of this host must be to be a workload: all that one selector says. Of several, one is enough.
package struct WorkloadSelector: Hashable, Sendable {
    /// The user it runs as, by name, as the host knows it.
    package var user: Located<String>?
    /// The user it runs as, by number.
    package var uid: UInt32?
    /// Its primary group, by name.
    package var group: Located<String>?
    /// Its primary group, by number.
    package var gid: UInt32?
    /// The file it executes: an absolute path without links or dots, in the host's mounts or Heddle's own.
    package var path: Located<String>?
    /// What that file's bytes come to, as 64 hexadecimal digits in lower case (FIPS 180-4).
    package var sha256: String?
    /// A unit of the system's service manager (systemd.unit(5)): `web.service`.
    package var unit: String?
    /// The control group it is in (cgroups(7), version 2): `/system.slice/web.service`.
    package var controlGroup: String?
    /// It was started as this workload, by `heddle exec`.
    package var isStarted = false
    /// Where it stands among the workload's.
    package var position: Located<Int>?

    package init() {}

    /// It says whose the process is, and not only which file it executes.
    var namesOwner: Bool { user != nil || uid != nil || unit != nil || controlGroup != nil || isStarted }
    /// It says which user it is.
    package var namesUser: Bool { user != nil || uid != nil }
}
