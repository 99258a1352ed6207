/// Rows of text in aligned columns, two spaces between.
package struct TextTable {
    private let columns: [String]
    private var rows: [[String]] = []

    package init(_ columns: [String]) { self.columns = columns }

    /// - Parameter cells: as many as there are columns; an empty one is shown as `-`.
    package mutating func add(_ cells: [String]) { rows.append(cells.map { $0.isEmpty ? "-" : $0.printable }) }

    /// Heads and rows, each ending in a line break, without white space at a line's end.
    package func rendered() -> String {
        var widths = columns.map(\.unicodeScalars.count)
        for row in rows {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.unicodeScalars.count) }
        }
        var text = ""
        for row in [columns] + rows {
            var line = ""
            for (index, cell) in row.enumerated() {
                line += cell
                if index + 1 < row.count {
                    line += String(repeating: " ", count: widths[index] - cell.unicodeScalars.count + 2)
                }
            }
            text += line + "\n"
        }
        return text
    }
}

/// Names and values below each other, values aligned.
package struct TextFields {
    private var fields: [(name: String, value: String)] = []

    package init() {}

    /// - Parameter value: `nil` or empty: the field is left out.
    package mutating func add(_ name: String, _ value: String?) {
        guard let value, !value.isEmpty else { return }
        fields.append((name, value.printable))
    }

    package func rendered() -> String {
        let width = fields.map(\.name.unicodeScalars.count).max() ?? 0
        return fields.map { field in
            field.name + String(repeating: " ", count: width - field.name.unicodeScalars.count + 2) + field.value + "\n"
        }.joined()
    }
}
