import Diagnostics
import YAMLSyntax

extension WorkloadSelector {
    /// An item of `selectors`: what its parts say together.
    static func decode(_ node: YAMLNode, index: Int, _ problems: inout Problems) -> WorkloadSelector? {
        guard var fields = node.fields(of: "a selector", isOfPolicy: true, &problems) else { return nil }
        var selector = WorkloadSelector()
        selector.position = Located(index, at: node.position)
        let before = problems.diagnostics.count
        _ = fields.optional("unix", { selector.readUnix($0, &$1) }, &problems)
        selector.unit = fields.optional("systemd", part("systemd", "unit", Scalar.systemdUnit), &problems)
        selector.controlGroup = fields.optional("cgroup", part("cgroup", "path", Scalar.controlGroup), &problems)
        selector.isStarted = fields.optional("exec", Self.nothingMore, &problems) != nil
        fields.reportUnknownFields(&problems)
        guard problems.diagnostics.count == before else { return selector }
        if fields.isEmpty {
            problems.report(
                .missingField, at: node.position, found: "a selector that every process matches",
                expected: "what a process must be", remedy: "add unix, systemd, cgroup or exec: unix: {user: web}")
        } else if selector.isStarted, selector.unit != nil || selector.controlGroup != nil {
            problems.report(
                .conflictingFields, at: fields.keyPosition("exec"),
                found: "exec beside a control group or a unit: a program that is started so is in a group of its own",
                expected: "one or the other", remedy: "make two selectors of it, or leave one of them out")
        } else if selector.path != nil || selector.sha256 != nil, !selector.namesOwner {
            problems.report(
                .conflictingFields, at: node.position, found: "an executable without whose process it is",
                expected: "a user, a systemd unit or a cgroup as well: any user can run the same file",
                remedy: "add user or uid below unix, or systemd, cgroup or exec beside it")
        }
        return selector
    }

    /// `unix: {user, group, uid, gid, path, sha256}`.
    private mutating func readUnix(_ node: YAMLNode, _ problems: inout Problems) -> Void? {
        guard var fields = node.fields(of: "unix", isOfPolicy: true, &problems) else { return nil }
        if fields.isEmpty {
            problems.report(
                .missingField, at: node.position, found: "unix without a field", expected: "what a process must be",
                remedy: "add user, uid, group, gid, path or sha256")
        }
        user = fields.optional("user", located(Scalar.accountName(or: "uid")), &problems)
        uid = fields.optional("uid", Scalar.accountNumber, &problems)
        group = fields.optional("group", located(Scalar.accountName(or: "gid")), &problems)
        gid = fields.optional("gid", Scalar.accountNumber, &problems)
        path = fields.optional("path", located(Scalar.executablePath), &problems)
        sha256 = fields.optional("sha256", Scalar.sha256, &problems)
        fields.reportUnknownFields(&problems)
        return ()
    }

    /// `{}`: that it is there says all.
    private static func nothingMore(_ node: YAMLNode, _ problems: inout Problems) -> Void? {
        guard case .mapping = node.content, let fields = node.fields(of: "exec", isOfPolicy: true, &problems) else {
            problems.report(
                .wrongType, node, expected: "exec, a mapping without fields", remedy: "write it as exec: {}")
            return nil
        }
        fields.reportUnknownFields(&problems)
        return ()
    }

    /// A mapping with one field, which must be there.
    private static func part(
        _ owner: String, _ field: String, _ read: @escaping Reading<String>
    ) -> Reading<String> {
        { node, problems in
            guard var fields = node.fields(of: owner, isOfPolicy: true, &problems) else { return nil }
            let value = fields.required(field, read, &problems)
            fields.reportUnknownFields(&problems)
            return value
        }
    }
}

extension Scalar {
    /// The name of a user or group, as the host's name service may have it: 1 to 256 bytes. Directories have longer ones than useradd(8)
    /// makes, with blanks and backslashes: `SHOP\web master`.
    /// - Parameter field: Where a number is to stand; `nil`: in the same place, without quotation marks.
    static func accountName(or field: String?) -> Reading<String> {
        { node, problems in accountName(node, or: field, &problems) }
    }

    private static func accountName(_ node: YAMLNode, or field: String?, _ problems: inout Problems) -> String? {
        if case .scalar(let scalar) = node.content, let number = UInt32(scalar.text),
            scalar.text.utf8.allSatisfy(isDigit)
        {
            problems.report(
                scalar.kind == .number ? .wrongType : .invalidValue, node,
                expected: field.map { "the name of a user or group: a number stands in \($0)" }
                    ?? "the name of a user, or a number without quotation marks",
                remedy: field.map { "write it as \($0): \(number)" } ?? "remove the quotation marks: \(number)")
            return nil
        }
        guard let text = text(node, &problems) else { return nil }
        // What passwd(5) cannot hold, nobody has.
        let mayHave = { (byte: UInt8) in byte >= 0x20 && byte != 0x7F && byte != UInt8(ascii: ":") }
        guard text.utf8.count <= 256, text.utf8.allSatisfy(mayHave), !text.hasPrefix("-"),
            !text.utf8.allSatisfy(isDigit)
        else {
            problems.report(
                .invalidValue, node,
                expected: "the name of a user or group, 256 bytes at most, without \":\" and control characters",
                remedy: "write it as \"getent passwd\" lists it")
            return nil
        }
        return text
    }

    /// A user's or group's number: 0 to 4,294,967,294. The one above stands for none (chown(2)).
    static func accountNumber(_ node: YAMLNode, _ problems: inout Problems) -> UInt32? {
        Scalar.integer(in: 0...4_294_967_294, "")(node, &problems).map(UInt32.init)
    }

    /// An absolute path that names one file: no empty, `.` or `..` segment.
    static func executablePath(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        let expected = "the absolute path of an executable, without \"//\", \".\" or \"..\""
        guard let path = plainPath(node, expected: expected, &problems) else { return nil }
        guard let group = pathBelowMount(path) else { return path }
        problems.report(
            .invalidValue, node, expected: "the path of an executable: this one is a control group",
            remedy: "write it as cgroup: {path: \(group)} beside unix")
        return nil
    }

    /// A control group from the root of the hierarchy. Not the root itself: all that are in no other are there.
    static func controlGroup(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        let expected = "a control group below the root, as /proc/PID/cgroup has it after \"0::\""
        guard let path = plainPath(node, expected: expected, &problems) else { return nil }
        guard let group = pathBelowMount(path) else { return path }
        problems.report(
            .invalidValue, node, expected: expected + ": not by where it is mounted",
            remedy: group == "/" ? "name a group below the root" : "change it to \"\(group)\"")
        return nil
    }

    /// A control group by the place where the hierarchy is mounted (file-hierarchy(7)), which is no part of its path.
    /// - Returns: Its path; `nil`: it is not below that place.
    private static func pathBelowMount(_ path: String) -> String? {
        // Beside version 1, version 2 is mounted in it.
        for mount in ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"] where path == mount || path.hasPrefix(mount + "/") {
            return path == mount ? "/" : String(path.dropFirst(mount.count))
        }
        return nil
    }

    /// An absolute path as the kernel would tell it.
    static func plainPath(_ node: YAMLNode, expected: String, _ problems: inout Problems) -> String? {
        guard let text = text(node, &problems) else { return nil }
        let segments = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard text.hasPrefix("/"), !text.utf8.contains(UInt8(ascii: "\n")),
            segments.allSatisfy({ !["", ".", ".."].contains($0) })
        else {
            problems.report(
                .invalidValue, node, expected: expected,
                remedy: text.hasPrefix("/")
                    ? "write the path as links and dots lead to, without \"/\" at its end" : "begin it with \"/\"")
            return nil
        }
        return text
    }

    /// 64 hexadecimal digits.
    static func sha256(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = text(node, &problems) else { return nil }
        let digits = text.lowercased()
        guard digits.utf8.count == 64, digits.utf8.allSatisfy({ isDigit($0) || (0x61...0x66).contains($0) }) else {
            problems.report(
                .invalidValue, node, expected: "64 hexadecimal digits", remedy: "write what \"sha256sum FILE\" prints")
            return nil
        }
        return digits
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
