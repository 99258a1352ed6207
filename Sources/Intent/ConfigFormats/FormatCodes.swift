package import Diagnostics

extension Diagnostic.Code {
    /// The text is not TOML.
    package static let formatTOML = Self("format.toml")
    /// The text is not dotenv.
    package static let formatDotenv = Self("format.dotenv")
    /// More documents than one.
    package static let formatDocuments = Self("format.documents")
}
