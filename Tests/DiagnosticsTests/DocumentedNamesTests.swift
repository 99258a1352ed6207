import Testing

/// What people look for in `docs/reference`, besides codes.
struct DocumentedNamesTests {
    @Test func `every metric is in the table, and no other`() throws {
        let sources = try RepositoryText.files(below: "Sources", ending: ".swift")
        let exposed = Set(sources.flatMap { $0.all(/"(heddle_[a-z0-9_]+)"/) }.map(String.init))
        let documented = Set(try RepositoryText("docs/reference/metrics.md").tableKeys)
        #expect(exposed.count > 15, "the sources are not where this test looks for them")
        #expect(exposed.subtracting(documented).sorted() == [])
        #expect(documented.subtracting(exposed).sorted() == [])
    }

    @Test func `every reason of a failed call is explained`() throws {
        let reasons = try RepositoryText("Sources/Vocabulary/CallOutcomes/FailureReason.swift").all(
            /case \.\w+: "([a-z-]+)"/)
        let documented = Set(try RepositoryText("docs/reference/reasons.md").tableKeys)
        #expect(reasons.count > 5, "the sources are not where this test looks for them")
        #expect(reasons.map(String.init).filter { !documented.contains($0) } == [])
    }

    @Test func `every way to refuse a request is explained`() throws {
        let names = try [
            "Vocabulary/WireProtocols/HTTP1/HTTP1Error.swift", "Vocabulary/HTTPSemantics/MalformedRequest.swift",
        ]
        .flatMap { try RepositoryText("Sources/\($0)").all(/case \.\w+: "([a-z0-9-]+)"/) }
        let page = try RepositoryText("docs/reference/http1.md").text
        #expect(names.count > 20, "the sources are not where this test looks for them")
        #expect(names.filter { !page.contains("`\($0)`") } == [])
    }

    @Test func `every way to refuse a message of HTTP/2, and every limit, is explained`() throws {
        let sources = try ["HTTP2Error", "HTTP2Limit"].map {
            try RepositoryText("Sources/Vocabulary/WireProtocols/HTTP2/\($0).swift").all(/case \.\w+: "([a-z0-9-]+)"/)
        }
        let page = try RepositoryText("docs/reference/http2.md").text
        #expect(sources.allSatisfy { $0.count > 5 }, "the sources are not where this test looks for them")
        #expect(sources.joined().filter { !page.contains("`\($0)`") } == [])
    }

    @Test func `every status that gRPC's callers are told is explained`() throws {
        let statuses = try RepositoryText("Sources/Vocabulary/CallOutcomes/GRPCStatus.swift").all(
            /case \.(\w+|`\w+`): "[A-Z_]+"/)
        let names = try RepositoryText("Sources/Vocabulary/CallOutcomes/GRPCStatus.swift").all(/"([A-Z_]{2,})"/)
        let mapping = try RepositoryText("Sources/Vocabulary/CallOutcomes/FailureReason+GRPC.swift").text
        let page = try RepositoryText("docs/reference/grpc.md").text
        #expect(
            statuses.count == names.count && names.count == 17, "the sources are not where this test looks for them")
        let told = zip(statuses, names).filter { mapping.contains(".\($0.0.filter { $0 != "`" })") }.map(\.1)
        #expect(told.count > 6)
        #expect(told.filter { !page.contains("`\($0)`") } == [])
    }

    @Test func `every field that a decoder reads is in the reference of its kind`() throws {
        let decoders = try RepositoryText.files(below: "Sources/Intent/Manifests", ending: "Decoding.swift")
        let names = Set(
            decoders.flatMap { file in
                file.all(/(?:required|optional|list|requiredList|valueMatch)\(\s*"(\w+)"/) + file.all(/\bread\("(\w+)"/)
            })
        let words = Set(try RepositoryText("docs/reference/kinds.md").all(/(\w+)/))
        #expect(names.count > 60, "the sources are not where this test looks for them")
        #expect(names.subtracting(words).sorted() == [])
    }

    @Test func `every link between the docs leads somewhere`() throws {
        let pages =
            try RepositoryText.files(below: "docs", ending: ".md")
            + RepositoryText.files(below: "examples", ending: ".md")
            + ["README.md", "CONTRIBUTING.md", "Benchmarks/README.md"].map { try RepositoryText($0) }
        var broken: [String] = []
        for page in pages {
            let folder = page.path.split(separator: "/").dropLast()
            for target in page.all(/\]\(([^)\s]+)\)/) where !target.contains("://") && !target.hasPrefix("#") {
                var path = Array(folder)
                for part in target.prefix(while: { $0 != "#" }).split(separator: "/") {
                    if part == ".." { _ = path.popLast() } else if part != "." { path.append(part) }
                }
                if !RepositoryText.exists(path.joined(separator: "/")) { broken.append("\(page.path): \(target)") }
            }
        }
        #expect(broken == [])
    }
}
