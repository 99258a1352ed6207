import ConfigFormats
import ConfigValues
import Diagnostics
import YAMLSyntax

extension ConfigProjection {
    static func decode(_ node: YAMLNode, namespace: String, _ problems: inout Problems) -> ConfigProjection? {
        guard var fields = node.fields(of: "an item of project", &problems) else { return nil }
        let path = fields.required("path", located(Self.path), &problems)
        let format = ConfigFormat.optional("format", in: &fields, of: path?.value, called: "path", &problems)
        let workload = fields.required(
            "workload", located { Scalar.resourceName($0, namespace: namespace, &$1) }, &problems)
        let mode = fields.optional("mode", Scalar.fileMode, default: 0o600, &problems)
        let owner = fields.optional("owner", UserReference.decode, &problems)
        let onChange = fields.optional(
            "onChange", { ProjectionHook.decode($0, namespace: namespace, &$1) }, &problems)
        fields.reportUnknownFields(&problems)
        guard let path, let format, let workload else { return nil }
        return ConfigProjection(
            path: path, format: format, workload: workload, mode: mode, owner: owner, onChange: onChange)
    }

    private static func path(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        Scalar.plainPath(node, expected: "the absolute path of a file, without \"//\", \".\" or \"..\"", &problems)
    }
}

extension ProjectionHook {
    /// One of `{signal, unit}`, `{signal, pidFile}` and `{service, path}`.
    fileprivate static func decode(
        _ node: YAMLNode, namespace: String, _ problems: inout Problems
    ) -> ProjectionHook? {
        guard var fields = node.fields(of: "onChange", &problems) else { return nil }
        let hook = fields.has("service") ? call(&fields, namespace: namespace, &problems) : signal(&fields, &problems)
        fields.reportUnknownFields(&problems)
        return hook
    }

    private static func call(
        _ fields: inout FieldReader, namespace: String, _ problems: inout Problems
    ) -> ProjectionHook? {
        let service = fields.required(
            "service", located { Scalar.serviceName($0, namespace: namespace, &$1) }, &problems)
        let path = fields.required("path", Scalar.requestPath, &problems)
        for field in ["signal", "unit", "pidFile"] {
            fields.refused(
                field, expected: "a service that is called, or a signal, and not both", remedy: "remove \(field)",
                &problems)
        }
        guard let service, let path else { return nil }
        return .call(service: service, path: path)
    }

    private static func signal(_ fields: inout FieldReader, _ problems: inout Problems) -> ProjectionHook? {
        guard !fields.isEmpty else {
            // Those that it has, for whoever adds one.
            for field in ["service", "path", "signal", "unit", "pidFile"] { _ = fields.entry(field, &problems) }
            problems.report(
                .missingField, at: fields.position, found: "onChange without a field",
                expected: "what is to be done when the file has changed",
                remedy: "add signal and unit, signal and pidFile, or service and path")
            return nil
        }
        _ = fields.entry("service", &problems)
        let signal = fields.required("signal", ProcessSignal.decode, &problems)
        let unit = fields.optional("unit", Scalar.systemdUnit, &problems)
        let pidFile = fields.optional("pidFile", located(Self.pidFile), &problems)
        fields.refused(
            "path", expected: "a signal, or a path that a service is called by", remedy: "add service, or remove path",
            &problems)
        if fields.has("unit"), fields.has("pidFile") {
            problems.report(
                .conflictingFields, at: fields.keyPosition("pidFile"), found: "pidFile beside unit",
                expected: "one process that gets the signal", remedy: "remove unit or pidFile")
        } else if fields.has("signal"), !fields.has("unit"), !fields.has("pidFile") {
            problems.report(
                .missingField, at: fields.position, found: "a signal without \"unit\" and \"pidFile\"",
                expected: "whom it goes to", remedy: "add unit: NAME.service, or pidFile")
        }
        guard let signal else { return nil }
        return unit.map { .signalUnit(signal, unit: $0) } ?? pidFile.map { .signalProcess(signal, pidFile: $0) }
    }

    private static func pidFile(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        Scalar.plainPath(
            node, expected: "the absolute path of a file with a process's number, without \"//\", \".\" or \"..\"",
            &problems)
    }
}

extension ProcessSignal {
    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> ProcessSignal? {
        let withPrefix = allCases.map { ("sig\($0.rawValue.lowercased())", "write it as \($0.rawValue)") }
        return Scalar.choice(of: ProcessSignal.self, elsewhere: Dictionary(uniqueKeysWithValues: withPrefix))(
            node, &problems)
    }
}

extension Scalar {
    /// A path that a call is made to, canonical and without a query.
    fileprivate static func requestPath(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = text(node, &problems) else { return nil }
        do throws(ManifestPath.Refusal) { return try ManifestPath.canonical(text) } catch {
            problems.report(
                .invalidValue, node, expected: "the path of a request, without a query", remedy: error.remedy)
            return nil
        }
    }

    /// A file's permissions in octal, with the zero that says so: `0640`. Its owner may read it; nobody may execute it, and
    /// others do not write it.
    fileprivate static func fileMode(_ node: YAMLNode, _ problems: inout Problems) -> UInt16? {
        guard case .scalar(let scalar) = node.content, scalar.kind == .number || scalar.kind == .string else {
            problems.report(
                .wrongType, node, expected: "permissions in octal: 0640", remedy: "write a single value here")
            return nil
        }
        let text = scalar.text
        let isOctal = text.utf8.count == 4 && text.hasPrefix("0") || text.utf8.count == 5 && text.hasPrefix("0o")
        guard isOctal, let mode = UInt16(text.suffix(3), radix: 8) else {
            let isShort = UInt16(text, radix: 8) != nil && text.utf8.count == 3
            problems.report(
                .invalidValue, node, expected: "permissions in octal, as chmod has them, after a zero: 0640",
                remedy: isShort ? "write it as 0\(text)" : "write a zero and three digits from 0 to 7")
            return nil
        }
        guard mode & 0o400 != 0, mode & 0o113 == 0 else {
            problems.report(
                .outOfRange, node,
                expected: "permissions that let the owner read, nobody execute, and others not write: at most 0664",
                remedy: mode & 0o400 == 0 ? "let the owner read: 0600" : "take them away: 0\(octal(mode & 0o664))")
            return nil
        }
        return mode
    }

    private static func octal(_ mode: UInt16) -> String { String(mode, radix: 8) }
}
