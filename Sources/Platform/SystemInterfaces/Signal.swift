import Glibc

/// Wakes a thread that waits for it, as often as it was given. Takes no descriptor, and so cannot fail where there is none.
///
/// SAFETY: `@unchecked Sendable`: a semaphore of POSIX is made to be shared.
@safe
package final class Signal: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    package init() { unsafe sem_init(semaphore, 0, 0) }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    package func give() { unsafe sem_post(semaphore) }

    package func wait() {
        while unsafe sem_wait(semaphore) != 0, errno == EINTR {}
    }
}
