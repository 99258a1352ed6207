package import Diagnostics

extension Diagnostic.Code {
    /// etcd cannot be asked for manifests.
    package static let setAway = Self("set.away")
    /// What `current` holds is no name of a set.
    package static let setRecord = Self("set.record")
    /// A set is not what its name says: half of it is there, or another.
    package static let setDamaged = Self("set.damaged")
    /// A set has more files or bytes than one may.
    package static let setTooLarge = Self("set.too-large")
    /// A set without a signature of a key that is asked for.
    package static let setUnsigned = Self("set.unsigned")
    /// A set that is older than one that was seen here.
    package static let setOlder = Self("set.older")
    /// What is known of former sets cannot be read, and nothing can be held against it.
    package static let setMemory = Self("set.memory")
    /// Somebody else has changed what is to be changed.
    package static let setConflict = Self("set.conflict")
    /// A set cannot be put into etcd.
    package static let setUnwritable = Self("set.unwritable")
}
