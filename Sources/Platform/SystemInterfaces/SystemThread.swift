import CLinux
import Glibc

/// A thread of the kernel's, for a loop that runs as long as the process.
package enum SystemThread {
    private final class Body {
        let name: String
        let givesWay: Bool
        let run: @Sendable () -> Void

        init(name: String, givesWay: Bool, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.givesWay = givesWay
            self.run = run
        }
    }

    /// What a thread that gives way has of a core that another one keeps busy: a tenth, about (setpriority(2)).
    private static let backgroundNiceness: Int32 = 10

    /// - Parameters:
    ///   - name: at most 15 bytes (pthread_setname_np).
    ///   - givesWay: It has much to do that nobody's call should be late for.
    /// - Throws: The kernel gave none.
    package static func start(
        name: String, givesWay: Bool = false, _ run: @escaping @Sendable () -> Void
    ) throws(SystemCallError) {
        var thread = pthread_t()
        let body = unsafe Unmanaged.passRetained(Body(name: name, givesWay: givesWay, run: run))
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
                // On Linux, of the calling thread alone. Where it cannot be done all goes on as it would.
                if body.givesWay {
                    _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, SystemThread.backgroundNiceness)
                }
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
