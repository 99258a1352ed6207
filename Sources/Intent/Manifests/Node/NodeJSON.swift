package import Diagnostics

extension Node {
    package var specJSON: JSONValue { ["address": .string("\(address.value)")] }
}
