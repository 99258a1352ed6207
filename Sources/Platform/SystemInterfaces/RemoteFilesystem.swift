import CLinux

/// Filesystems that other hosts may change without this kernel hearing of it.
package enum RemoteFilesystem {
    /// Magic numbers as in statfs(2). OverlayFS and tmpfs are local.
    private static let names: [UInt32: String] = [
        0x6969: "NFS", 0x517B: "SMB", 0xFF53_4D42: "CIFS", 0xFE53_4D42: "SMB", 0x6573_5546: "FUSE", 0x0102_1997: "9p",
        0x00C3_6400: "Ceph", 0x5346_414F: "AFS", 0x7375_7245: "Coda", 0x0116_1970: "GFS2", 0x7461_636F: "OCFS2",
        0x0BD0_0BD0: "Lustre", 0x786F_4256: "VirtualBox shared folders",
    ]

    /// - Returns: The filesystem's name if the path lies on a remote one.
    package static func name(at path: String) -> String? {
        kind(at: path).flatMap { names[$0] }
    }

    /// - Returns: The magic number of the filesystem that a path lies on, if that can be known.
    package static func kind(at path: String) -> UInt32? {
        var facts = statfs()
        guard unsafe statfs(path, &facts) == 0 else { return nil }
        return UInt32(truncatingIfNeeded: facts.f_type)
    }
}
