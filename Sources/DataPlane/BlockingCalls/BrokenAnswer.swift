/// Why an answer, or what it streams, is not what it should be; for people, and without anything of what it says.
package struct BrokenAnswer: Error, Equatable {
    package let description: String

    package init(description: String) { self.description = description }
}
