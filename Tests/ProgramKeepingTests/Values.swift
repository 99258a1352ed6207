import ConfigValues

/// What a JSON text says.
func value(_ json: String) throws -> ConfigValue {
    try JSONReader.read(Array(json.utf8).span, of: TextOrigin(layer: "test", file: "test"))
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
