import ConfigValues
import Testing

@testable import ProgramKeeping

/// What a program is started with: its own environment, and what configs say.
struct ProgramEnvironmentTests {
    private func environment(
        _ own: [String], _ json: String, overrides: Bool = false, prefix: String = "", largest: Int = 100_000
    ) throws -> ProgramEnvironment {
        try ProgramEnvironment(
            own: own.map(bytes), ConfigVariables([("shop/web", value(json))], prefix: prefix), overrides: overrides,
            arguments: [bytes("program")], largest: largest)
    }

    private func texts(_ environment: ProgramEnvironment) -> [String] {
        environment.entries.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `its own environment wins unless it is overridden`() throws {
        let own = ["LANG=C", "PORT=1", "PORTS=x", "odd"]
        #expect(try texts(environment(own, #"{"port":2,"host":"a"}"#)) == own + ["HOST=a"])
        #expect(
            try texts(environment(own, #"{"port":2,"host":"a"}"#, overrides: true)) == [
                "LANG=C", "PORTS=x", "odd", "HOST=a", "PORT=2",
            ])
    }

    @Test(arguments: [false, true]) func `what has a program run what another chose is never set`(overrides: Bool)
        throws
    {
        let json = #"""
            {"path":"/evil","ld":{"preload":"x","library_path":"x","audit":"x","whatever":"x"},"ifs":"x","bash_env":"x","env":"x",
             "pythonpath":"x","node":{"options":"x"},"perl5opt":"x","http":{"proxy":"x"},"heddle":{"socket":"x"},"path2":"y","environment":"y"}
            """#
        let made = try environment(["PATH=/bin", "HTTP_PROXY=p"], json, overrides: overrides)
        #expect(texts(made) == ["PATH=/bin", "HTTP_PROXY=p", "ENVIRONMENT=y", "PATH2=y"])
        #expect(
            made.withheld.map(\.name) == [
                "BASH_ENV", "ENV", "HEDDLE_SOCKET", "HTTP_PROXY", "IFS", "LD_AUDIT", "LD_LIBRARY_PATH", "LD_PRELOAD",
                "LD_WHATEVER", "NODE_OPTIONS", "PATH", "PERL5OPT", "PYTHONPATH",
            ])
        // By another name it is an order to nobody.
        #expect(try texts(environment([], #"{"path":"x"}"#, prefix: "APP_")) == ["APP_PATH=x"])
        #expect(try environment([], #"{"preload":"x"}"#, prefix: "LD_").withheld.count == 1)
    }

    @Test func `what the kernel would not take is a mistake, to the byte`() throws {
        // "A=1", the program's name twice, each with a zero and a pointer.
        let byteCount = (3 + 9) + 2 * (7 + 9)
        #expect(try texts(environment([], #"{"a":1}"#, largest: byteCount)) == ["A=1"])
        #expect(throws: InvalidVariables.self) { try environment([], #"{"a":1}"#, largest: byteCount - 1) }
        #expect(ProgramEnvironment.largest >= 131_072 && ConfigVariables.longest >= 131_072)
    }
}
