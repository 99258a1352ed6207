/// Which entries of a folder are read.
package enum FolderSelection: Sendable, Hashable {
    /// Those of the folder and all below it that `ManifestName` says.
    case manifests
    /// All files of the folder and all below it, save hidden ones.
    case everyFile
    /// The one of this name, hidden or not. Nothing below the folder.
    case file(String)

    /// Whether nothing of this name counts, be it a file, a folder or a link.
    func passesOver(_ name: String) -> Bool {
        switch self {
        case .manifests, .everyFile: ManifestName.isHidden(name)
        case .file(let only): name != only
        }
    }

    /// Whether a file of this name is read.
    func takes(_ name: String) -> Bool {
        switch self {
        case .manifests: ManifestName.isManifest(name)
        case .everyFile, .file: !passesOver(name)
        }
    }

    /// Largest file read: 4 MiB of manifests, 8 MiB of what else there is.
    var byteLimit: Int {
        switch self {
        case .manifests: ManifestSource.byteLimit
        case .everyFile, .file: 8 << 20
        }
    }
}
