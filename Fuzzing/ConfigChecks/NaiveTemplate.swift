import ConfigValues

/// A text with references, taken apart once more, from its end on.
enum NaiveTemplate {
    struct Part {
        var text = ""
        var path: ConfigPath?
    }

    /// - Returns: `nil`: a reference in it cannot be read.
    static func parts(_ text: String) -> [Part]? {
        guard let start = text.firstRange(of: "${") else { return text.isEmpty ? [] : [Part(text: text)] }
        let before = String(text[..<start.lowerBound])
        if before.last == "$" {
            guard let rest = parts(String(text[start.upperBound...])) else { return nil }
            return joined([Part(text: String(before.dropLast()) + "${")] + rest)
        }
        var quoted = false
        var escaped = false
        for index in text[start.upperBound...].indices {
            let character = text[index]
            if escaped {
                escaped = false
            } else if quoted, character == "\\" {
                escaped = true
            } else if character == "\"" {
                quoted.toggle()
            } else if character == "}", !quoted {
                guard let path = try? ConfigPath(dotted: String(text[start.upperBound..<index])),
                    let rest = parts(String(text[text.index(after: index)...]))
                else { return nil }
                return joined([Part(text: before), Part(path: path)] + rest)
            }
        }
        return nil
    }

    private static func joined(_ parts: [Part]) -> [Part] {
        var joined: [Part] = []
        for part in parts where part.path != nil || !part.text.isEmpty {
            if part.path == nil, let last = joined.last, last.path == nil {
                joined[joined.count - 1].text += part.text
            } else {
                joined.append(part)
            }
        }
        return joined
    }
}
