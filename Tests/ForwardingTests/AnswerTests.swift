import Synchronization
import TestSupport
import Testing

@testable import Forwarding

/// Whether the workers go on, as a watchdog asks it.
struct AnswerTests {
    private static let manifests = """
        apiVersion: heddle/v1
        kind: Service
        metadata: {name: orders, namespace: shop}
        spec: {}
        """

    @Test func `all workers are waited for, and none that has ended`() async throws {
        let mesh = try await TestMesh(Self.manifests, workers: 2)
        await mesh.dataPlane.answer()

        let (entered, held) = (Gate(), Gate())
        let isDone = Flag()
        async let holding: Void = mesh.dataPlane.onEveryWorker { worker in
            guard worker.index == 1 else { return }
            entered.open()
            held.pass()
            isDone.set()
        }
        await entered.passed()
        let wasDone = Task {
            await mesh.dataPlane.answer()
            return isDone.isSet
        }
        held.open()
        #expect(await wasDone.value)
        await holding
        await mesh.dataPlane.drain(deadline: .zero)
        // Those that have ended have no say any more, and the process goes on to its end.
        await mesh.dataPlane.answer()
    }
}

private final class Flag: Sendable {
    private let value = Mutex(false)
    var isSet: Bool { value.withLock { $0 } }
    func set() { value.withLock { $0 = true } }
}
