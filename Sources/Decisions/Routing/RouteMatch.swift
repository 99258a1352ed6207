/// The rule that a request belongs to, and what of the request it matched.
package struct RouteMatch: Sendable {
    package let rule: RouteRule
    /// Bytes of the path that the matched prefix covers, without a slash at its end: 0 for the prefix `/`; all for an
    /// exact path. What follows is nothing or begins with `/`.
    package let prefixByteCount: Int
    /// Where the listener stands in the table's `listeners`; 0 in a service's table.
    package let listener: Int
}
