/// What a test needs before it begins could not be had.
package struct SetUpError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
