package import Diagnostics

extension Diagnostic.Code {
    /// The manifests folder does not exist, or is not a folder; or what was named instead does not exist.
    package static let folderMissing = Self("folder.missing")
    /// A file or folder cannot be read.
    package static let folderUnreadable = Self("folder.unreadable")
    /// A manifest's name belongs to something that is no file.
    package static let notAFile = Self("folder.not-a-file")
    /// A file is over 4 MiB.
    package static let fileTooLarge = Self("folder.file-too-large")
    /// A symbolic link leads nowhere.
    package static let brokenLink = Self("folder.broken-link")
    /// Too many folders or files, as links that lead in circles make them.
    package static let tooManyEntries = Self("folder.too-many-entries")
    /// A file's name is not UTF-8.
    package static let unreadableName = Self("folder.unreadable-name")
    /// An apply or delete would leave no resource.
    package static let wouldEmpty = Self("change.would-empty")
    /// A delete names a resource that no manifest has.
    package static let unknownResource = Self("change.unknown-resource")
    /// Two of the documents to apply say the same resource.
    package static let appliedTwice = Self("change.applied-twice")
    /// What is to be applied holds no resource.
    package static let nothingToApply = Self("change.nothing-to-apply")
    /// The file cannot be edited without touching something else.
    package static let uneditable = Self("change.uneditable-file")
    /// A file changed while it was being edited.
    package static let conflict = Self("change.conflict")
    /// A manifest cannot be written.
    package static let unwritable = Self("change.unwritable")
    /// A manifest is of an owner or a group that this process cannot give a file to.
    package static let ownerNotKept = Self("change.owner-not-kept")
    /// Half of a change lies in the folder, and cannot be taken back without a guess.
    package static let interrupted = Self("change.interrupted")
    /// A change was cut off half-way, and was taken back.
    package static let takenBack = Self("change.taken-back")
    /// A change of another folder was cut off.
    package static let interruptedElsewhere = Self("change.interrupted-elsewhere")
    /// Files of a change lie beside manifests, and no record tells of it.
    package static let leftBehind = Self("change.left-behind")
    /// What was written down of a change before it was made is damaged, or cannot be read.
    package static let recordDamaged = Self("change.record-damaged")
    /// The reconciler is not running, or is stopping.
    package static let notRunning = Self("change.not-running")
    /// The last good set in the state folder is damaged.
    package static let stateDamaged = Self("state.damaged")
    /// The last good set cannot be written or read.
    package static let stateUnavailable = Self("state.unavailable")
}
