import Testing

struct DocumentedCodesTests {
    private static func codesInSources() throws -> Set<String> {
        let codes = try RepositoryText.files(below: "Sources", ending: ".swift")
            .flatMap { $0.all(/static let \w+ = Self\("([a-z]+\.[a-z0-9-]+)"\)/) }
        return Set(codes.map(String.init))
    }

    @Test func `every code that the sources report is in the table`() throws {
        let documented = Set(try RepositoryText("docs/reference/diagnostics.md").tableKeys)
        let reported = try Self.codesInSources()
        #expect(reported.count > 60, "the sources are not where this test looks for them")
        #expect(reported.subtracting(documented).sorted() == [])
    }

    @Test func `no code is in the table that nothing reports`() throws {
        let documented = Set(try RepositoryText("docs/reference/diagnostics.md").tableKeys)
        #expect(documented.subtracting(try Self.codesInSources()).sorted() == [])
    }

    @Test func `the table is sorted, and has each code once`() throws {
        let keys = try RepositoryText("docs/reference/diagnostics.md").tableKeys
        #expect(keys == Set(keys).sorted())
    }
}
