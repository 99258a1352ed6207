import FuzzKit
import SchemaChecks

FuzzLoop.explore(
    name: "schema",
    dictionary: [
        "{\"", "\":", "\",\"", "{}", "[]", "[{", "}]", "true", "false", "null", "-1", "1.5", "0.0001", "1e308", "\"a\"",
        "{\"$ref\":\"#\"}", "{\"$ref\":\"#/$defs/a\"}", "{\"$dynamicRef\":\"#a\"}", "{\"type\":\"object\"}",
        "{\"not\":{}}", "^a+$", "(a|[b-c]{2,})*", "\\\\p{Letter}", "\\\\u{1F600}", "urn:fuzz:schema#",
        "https://json-schema.org/draft/2020-12/schema",
    ] + SchemaChecks.keywords.map { "\"\($0)\":" },
    body: SchemaChecks.check)
