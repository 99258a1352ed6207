/// Why an answer, or what it streams, is not what it should be; for people, and without anything of what it says.
struct BrokenAnswer: Error, Equatable {
    let description: String
}
