import Glibc

/// What a person does about a system call that failed. The one place that knows: whoever reports such a failure asks
/// here, so that a full disk is nowhere called a matter of permissions.
package enum FailedCall {
    /// What was to be done with a file or folder.
    package enum Aim: Sendable {
        case read, write
        /// What its owner alone may read.
        case readKey
    }

    /// As the system says it: `Permission denied`.
    package static func reason(_ errno: CInt) -> String { unsafe String(cString: strerror(errno)) }

    /// Whoever runs this: a mesh, or a command.
    package static var user: String { "user \(geteuid()), as whom heddle runs," }

    /// An instruction.
    /// - Parameter what: what it was about: `it`, `the state folder`.
    package static func remedy(_ errno: CInt, to aim: Aim, _ what: String = "it") -> String {
        if let remedy = resourceRemedy(errno) { return remedy }
        return switch errno {
        case EACCES, EPERM:
            switch aim {
            case .read: "let \(user) read \(what) and enter the folders above"
            case .readKey:
                "let \(user) own \(what) (chown \(geteuid())) and enter the folders above, or run it as the owner: nobody else "
                    + "may read a key"
            case .write: "let \(user) write \(what) and enter the folders above"
            }
        case ENOENT: "make \(what), or correct what names it"
        case ENOTDIR: "put a folder in the place of the file that stands in the middle of the path"
        case EISDIR: "put a file in the folder's place, or name another"
        case ELOOP: "remove a symbolic link of those that lead in a circle"
        case ENAMETOOLONG: "shorten the names of the folders that lead there"
        case EILSEQ: "rename what is not UTF-8"
        case EROFS: "mount the filesystem for writing, or choose a folder on another"
        case EIO, EUCLEAN: "check the disk: the kernel's log (dmesg) says what it could not do"
        case ESTALE, ENOTCONN, EHOSTDOWN, ETIMEDOUT:
            "mount the filesystem again: its server does not answer for \(what) any more"
        case EBUSY, ETXTBSY: "end whoever else uses \(what)"
        default:
            switch aim {
            case .read, .readKey: "see to it that \(what) can be read"
            case .write: "see to it that \(what) can be written"
            }
        }
    }

    /// What to do if something is used up, whatever it was wanted for; `nil` if that is not what is wrong.
    package static func resourceRemedy(_ errno: CInt) -> String? {
        switch errno {
        case EMFILE: "raise this process's limit of open files (ulimit -n, LimitNOFILE= of its unit)"
        case ENFILE: "raise the system's limit of open files (fs.file-max)"
        case ENOMEM, ENOBUFS: "free memory, or give the process more"
        case EAGAIN: "raise the user's limit of threads (ulimit -u, TasksMax= of its unit)"
        case ENOSPC: "free space on the disk"
        case EDQUOT: "free space, or raise the user's quota"
        case EFBIG: "raise the limit of a file's size (ulimit -f)"
        default: nil
        }
    }
}
