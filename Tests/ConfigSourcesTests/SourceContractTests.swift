import ConfigValues
import Diagnostics
import ServiceContracts
import TestSupport
import Testing

@testable import ConfigSources

/// What every source holds to, whatever its type.
@Suite struct SourceContractTests {
    @Test(arguments: WorldKind.there)
    func whatIsThereIsToldAndThenEachChange(kind: WorldKind) async throws {
        let world = try kind.make()
        try world.hold("first")
        let heard = Heard(world.backend)
        defer { world.backend.stop() }
        #expect(await Poll.until { heard.last == "first" })
        try world.hold("second")
        #expect(await Poll.until { heard.last == "second" })
    }

    @Test(arguments: WorldKind.there)
    func theLastOfManyChangesIsTheLastThatIsTold(kind: WorldKind) async throws {
        let world = try kind.make()
        try world.hold("0")
        let heard = Heard(world.backend)
        defer { world.backend.stop() }
        for number in 1...30 { try world.hold("\(number)") }
        #expect(await Poll.until { heard.last == "30" })
        // Nothing was ever told that was not there, and what is written together comes together.
        if kind.nested { #expect(heard.texts.allSatisfy { $0[0] == $0[1] }) }
        let numbers = heard.texts.compactMap { $0[1].flatMap { Int($0) } }
        #expect(numbers == numbers.sorted())
        #expect(numbers.count == heard.all.count)
    }

    @Test(arguments: WorldKind.there)
    func whatCannotBeReadIsToldAndSoIsThatItIsBack(kind: WorldKind) async throws {
        let world = try kind.make()
        try world.hold("first")
        let heard = Heard(world.backend)
        defer { world.backend.stop() }
        #expect(await Poll.until { heard.last == "first" })
        try world.breakDown()
        #expect(await Poll.until { heard.failure != nil })
        #expect(heard.failure?.allSatisfy { $0.severity == .error && !$0.found.contains("first") } == true)
        try world.mend()
        try world.hold("second")
        #expect(await Poll.until { heard.last == "second" })
    }

    @Test(arguments: WorldKind.there)
    func oneThatIsNotThereAtFirstIsToldSo(kind: WorldKind) async throws {
        let world = try kind.make()
        try world.hold("first")
        try world.breakDown()
        let heard = Heard(world.backend)
        defer { world.backend.stop() }
        #expect(await Poll.until { heard.failure != nil })
        try world.mend()
        try world.hold("second")
        #expect(await Poll.until { heard.last == "second" })
    }

    @Test(arguments: WorldKind.there)
    func everyValueSaysWhereItIsFrom(kind: WorldKind) async throws {
        let world = try kind.make()
        try world.hold("first")
        let heard = Heard(world.backend)
        defer { world.backend.stop() }
        #expect(await Poll.until { heard.last == "first" })
        var values = heard.trees
        while let value = values.popLast() {
            #expect(value.origin.layer == "shop/source")
            #expect(value.origin.isSecret)
            #expect(!value.origin.position.description.isEmpty)
            values += value.list ?? value.map?.entries.map(\.value) ?? []
        }
    }

    @Test(arguments: WorldKind.there)
    func whoStopsIsToldNothingMore(kind: WorldKind) async throws {
        let world = try kind.make()
        try world.hold("first")
        let heard = Heard(world.backend)
        #expect(await Poll.until { heard.last == "first" })
        world.backend.stop()
        let count = heard.all.count
        try world.hold("second")
        // Another one of the same kind hears of its own change, by the same ways.
        let other = try kind.make()
        try other.hold("x")
        let second = Heard(other.backend)
        defer { other.backend.stop() }
        #expect(await Poll.until { second.last == "x" })
        try other.hold("y")
        #expect(await Poll.until { second.last == "y" })
        #expect(heard.all.count == count)
    }
}
