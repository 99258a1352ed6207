import StateKeeping

extension HeldFolder {
    /// Where the system finds what has this name in it.
    func reach(_ name: String) throws(FileError) -> String {
        guard let place = place(of: name) else { throw FileError(call: "open", errno: refusal) }
        return place
    }
}
