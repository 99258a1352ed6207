import Diagnostics
import FuzzKit
import Testing

@testable import Manifests

/// Inputs that fuzzing begins with, and those that once broke the decoder.
@Test(arguments: Files.list(Files.fuzzingFolder + "/Corpus/yaml"))
func `every input of the YAML corpus is decoded or refused`(path: String) throws {
    let bytes = try #require(Files.read(path))
    let file = ManifestDecoder.decode(bytes, path: path)
    let lineCount = 1 + bytes.count { $0 == 0x0A || $0 == 0x0D }
    for diagnostic in file.diagnostics {
        #expect((1...lineCount).contains(diagnostic.position.line))
        #expect(diagnostic.position.column >= 1)
        #expect(!diagnostic.rendered(in: SourceText(bytes)).isEmpty)
    }
    #expect(!file.resources.isEmpty || !file.diagnostics.isEmpty)
}

@Test func `the YAML corpus is there`() {
    #expect(Files.list(Files.fuzzingFolder + "/Corpus/yaml").count >= 15)
}
