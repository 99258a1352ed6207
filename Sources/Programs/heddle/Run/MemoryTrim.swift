import CLinux

/// Gives back to the kernel what the allocator holds and nobody uses: what reading a folder took, and what connections that
/// idle now needed for their handshakes. Workers hardly allocate, so that nobody waits for it.
enum MemoryTrim {
    private static let interval = Duration.seconds(2)

    /// To be begun when the first generation serves. Until the task is cancelled.
    static func run() async {
        // Most of what is mapped was needed for the start alone.
        CLinux_unmap_code()
        while (try? await Task.sleep(for: interval)) != nil { malloc_trim(0) }
    }
}
