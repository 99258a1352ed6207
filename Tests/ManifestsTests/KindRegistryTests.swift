import Manifests
import Testing

struct KindRegistryTests {
    @Test func `a kind is known by its forms and suggested by its nearest`() {
        #expect(Kinds.all.descriptor(typed: "HTTPRoutes")?.kind == .httpRoute)
        #expect(Kinds.all.descriptor(typed: "policy")?.kind == .authorizationPolicy)
        #expect(Kinds.all.descriptor(typed: "x") == nil)
        #expect(Kinds.all.unknownKindMessage("gatewy").contains("did you mean \"gateway\"?"))
    }

    @Test func `no two kinds are called the same`() {
        let names = Kinds.all.descriptors.flatMap(\.typedNames)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0 == $0.lowercased() })
    }

    @Test(arguments: Kinds.all.kinds)
    func `every kind is found by what manifests write`(kind: ResourceKind) {
        #expect(Kinds.all[kind]?.kind == kind)
        #expect(Kinds.all.descriptor(typed: kind.rawValue)?.kind == kind)
    }
}
