/// What `heddle version` says. Semantic versioning.
enum Version {
    static let text = "0.1.0"
}
