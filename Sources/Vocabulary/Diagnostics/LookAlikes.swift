/// A text with letters that only look like those of ASCII: Cyrillic, Greek, full-width, a dash for a hyphen. They come
/// from other keyboards, from documents and chats, and nobody sees them.
package struct LookAlikes {
    /// The text as it looks.
    package let ascii: String
    /// The first letter that is not what it looks like.
    private let first: Unicode.Scalar
    /// `nil`: it cannot be seen at all.
    private let lookedLike: Unicode.Scalar?

    /// - Returns: `nil` if the text has none, or other letters beyond ASCII, too.
    package init?(in text: some StringProtocol) {
        var ascii = String.UnicodeScalarView()
        var first: (Unicode.Scalar, Unicode.Scalar?)?
        for scalar in text.unicodeScalars {
            if scalar.isASCII {
                ascii.append(scalar)
            } else if scalar.properties.generalCategory == .format {
                if first == nil { first = (scalar, nil) }
            } else {
                guard let likeness = Self.likeness(of: scalar) else { return nil }
                if first == nil { first = (scalar, likeness) }
                ascii.append(likeness)
            }
        }
        guard let first else { return nil }
        self.ascii = String(ascii)
        (self.first, lookedLike) = first
    }

    /// `its "о" (U+043E) only looks like "o"`
    package var note: String {
        let digits = String(first.value, radix: 16, uppercase: true)
        let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        guard let lookedLike else { return "it holds \(code), which cannot be seen" }
        return
            "its \(Diagnostic.quoted(String(first))) (\(code)) \(Self.phrase) \(Diagnostic.quoted(String(lookedLike)))"
    }

    /// Stands in every note about a letter that can be seen.
    package static let phrase = "only looks like"

    /// The note of the first sign that looks like a blank or a quotation mark, and separates nothing and encloses nothing
    /// where it stands; whatever else is in the text.
    package static func markNote(in text: String) -> String? {
        let mark = text.unicodeScalars.first { !$0.isASCII && [" ", "\"", "'"].contains(likeness(of: $0)) }
        return mark.flatMap { LookAlikes(in: String($0))?.note }
    }

    package var remedy: String {
        if ascii.allSatisfy(\.isWhitespace) { return "write a text that can be seen: \(note)" }
        return "change it to \(Diagnostic.quoted(ascii)): \(note)"
    }

    private static func likeness(of scalar: Unicode.Scalar) -> Unicode.Scalar? {
        // U+FF01 to U+FF5E are ASCII's signs in full width, in the same order.
        if (0xFF01...0xFF5E).contains(scalar.value) { return Unicode.Scalar(scalar.value - 0xFEE0) }
        return pairs[scalar]
    }

    private static let pairs: [Unicode.Scalar: Unicode.Scalar] = {
        var pairs: [Unicode.Scalar: Unicode.Scalar] = [:]
        for (others, ascii) in [
            // Cyrillic, then Greek.
            ("авеіјкмнорѕтухһԁԛԝьӏ", "abeijkmhopstyxhdqwbl"), ("АВЕЅІЈКМНОРСТХУԌԚԜЗ", "ABESIJKMHOPCTXYGQW3"),
            ("с", "c"),
            ("αεικνορτυχγ", "aeiknoptuxy"), ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
            // Armenian, Latin beyond ASCII, letter-like signs.
            ("օսհոցզ", "ouhngq"), ("ıɑɡʟſ", "iagls"), ("\u{212A}ℓ", "Kl"),
            // Dashes, hyphens and the minus; slashes; dots; quotation marks; spaces.
            ("‐‑‒–—―−﹣", "--------"), ("∕⁄", "//"), ("․·。", "..."), ("‘’“”", "''\"\""), ("＿", "_"),
            ("\u{A0}\u{2002}\u{2003}\u{2009}\u{202F}\u{3000}", "      "),
        ] {
            for (other, letter) in zip(others.unicodeScalars, ascii.unicodeScalars) { pairs[other] = letter }
        }
        return pairs
    }()
}
