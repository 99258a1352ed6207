import Glibc
import Testing

/// The whole program against real peers. One scenario at a time: each takes a machine's cores for itself.
@Suite(.serialized) enum ScenarioTests {
    /// HEDDLE_LONG_TESTS=1: as often and as long as a release asks for.
    static let isLong = unsafe getenv("HEDDLE_LONG_TESTS") != nil
}
