import CLinux
import Glibc

/// A thread of the kernel's, for a loop that runs as long as the process.
package enum SystemThread {
    private final class Body {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// - Parameter name: at most 15 bytes (pthread_setname_np).
    /// - Throws: The kernel gave none.
    package static func start(name: String, _ run: @escaping @Sendable () -> Void) throws(SystemCallError) {
        var thread = pthread_t()
        let body = unsafe Unmanaged.passRetained(Body(name: name, run: run))
        // A new thread inherits the mask: signals are the main thread's affair.
        var all = sigset_t()
        var previous = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &previous)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &previous, nil) }
        let result = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let body = unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                unsafe pthread_setname_np(pthread_self(), body.name)
                body.run()
                return nil
            }, body.toOpaque())
        guard result == 0 else {
            unsafe body.release()
            throw SystemCallError("pthread_create", errno: result)
        }
        pthread_detach(thread)
    }
}
