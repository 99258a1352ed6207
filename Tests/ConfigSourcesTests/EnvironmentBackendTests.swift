import ConfigValues
import Diagnostics
import Manifests
import ServiceContracts
import Testing

@testable import ConfigSources

@Suite struct EnvironmentBackendTests {
    private func heard(
        _ variables: [String], prefix: String = "APP_", isStripped: Bool = true, separator: String = "_",
        types: TextTypes = .text
    ) -> Heard {
        Heard(
            EnvironmentBackend(
                EnvironmentSource(prefix: prefix, isStripped: isStripped, separator: separator, types: types),
                SourceLabel(layer: "shop/env", isSecret: false), variables: variables.map { Array($0.utf8) }))
    }

    private func json(_ heard: Heard) -> String? { heard.trees.last.map { String(decoding: $0.json(), as: UTF8.self) } }

    @Test func namesAreNestedAtTheirSeparators() {
        let variables = ["APP_DATABASE_HOST=db", "APP_PORT=80", "OTHER=1", "APP_=nothing", "APP_EMPTY="]
        #expect(json(heard(variables)) == #"{"database":{"host":"db"},"empty":"","port":"80"}"#)
        #expect(
            json(heard(variables, isStripped: false))
                == #"{"app":{"database":{"host":"db"},"empty":"","port":"80"}}"#)
        #expect(
            json(heard(["APP_DATABASE__MAX_SIZE=1"], separator: "__")) == #"{"database":{"max_size":"1"}}"#)
    }

    @Test func textsAreTextsUnlessTypesAreInferred() {
        let variables = ["APP_A=1", "APP_B=true", "APP_C=1.10", "APP_D=yes", "APP_E=null", "APP_F=a=b", "APP_G=[1]"]
        #expect(
            json(heard(variables)) == #"{"a":"1","b":"true","c":"1.10","d":"yes","e":"null","f":"a=b","g":"[1]"}"#)
        #expect(
            json(heard(variables, types: .infer))
                == #"{"a":1,"b":true,"c":1.1,"d":"yes","e":null,"f":"a=b","g":"[1]"}"#)
    }

    @Test(arguments: [["APP_A=1", "APP_A_B=2"], ["APP_A_B=2", "APP_A=1"], ["APP_A_B=1", "APP_A__B=2"]])
    func twoThatMeanOnePlaceAreAMistake(variables: [String]) {
        let failure = heard(variables).failure
        #expect(failure?.map(\.code) == [.sourceClash])
        #expect(failure?.first?.found.contains("variable APP_A") == true)
    }

    @Test func whatIsNoTextIsAMistake() {
        let backend = EnvironmentBackend(
            EnvironmentSource(prefix: "APP_", isStripped: true, separator: "_", types: .text),
            SourceLabel(layer: "shop/env", isSecret: false), variables: [Array("APP_A=".utf8) + [0xFF]])
        #expect(Heard(backend).failure?.map(\.code) == [.formatEncoding])
    }
}
