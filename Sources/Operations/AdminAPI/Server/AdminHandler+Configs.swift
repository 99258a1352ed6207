import ConfigFormats
import ConfigMerging
import ConfigValues
import Diagnostics
import Manifests
import MeshSnapshot

/// The values of configs as they are now, or were: never a secret one.
extension AdminHandler {
    /// - Parameter path: What follows `/v1/configs`: a name, with its namespace before it or without.
    func config(_ path: [String], _ request: AdminRequest) async -> AdminResponse {
        let isYAML = request.parameter("format") == "yaml"
        let isText = request.wantsText || isYAML
        guard !isYAML || !request.flag("explain") else {
            return .error(400, "an explanation is text or JSON, not YAML", asText: true)
        }
        let place: ConfigPath
        do throws(ConfigPathError) {
            place = try request.parameter("path").map(ConfigPath.init(dotted:)) ?? .root
        } catch {
            return .error(
                400,
                "the path \(Diagnostic.quoted(request.parameter("path") ?? "")) is none: found \(error.found), "
                    + "expected \(error.expected): \(error.remedy)", asText: isText)
        }
        do throws(Refusal) {
            let name = try await configName(path, request, asText: isText)
            guard let revision = request.parameter("revision") else {
                return await config(name, await mesh.config(name) ?? ConfigReport(), at: place, request)
            }
            let past = try await past(revision, of: name, asText: isText)
            return await config(name, ConfigReport(value: past.value, revision: past.revision), at: place, request)
        } catch {
            return error.response
        }
    }

    private func config(
        _ name: ResourceName, _ report: ConfigReport, at place: ConfigPath, _ request: AdminRequest
    ) async -> AdminResponse {
        let isYAML = request.parameter("format") == "yaml"
        let isText = request.wantsText || isYAML
        guard report.isRead else {
            return .error(
                404, "nobody on this node may read Config \(name), so that it is made on others alone: ask there",
                asText: isText)
        }
        guard let evaluated = report.value else {
            return await withProblems("Config \(name) has no value yet", report.problems, asText: isText)
        }
        if request.flag("explain") { return await explanation(of: evaluated, at: place, name, report, request) }
        guard let value = evaluated.value[place]?.redacted else {
            return .error(404, Self.nothing(at: place, of: name, evaluated.value), asText: isText)
        }
        guard isText else {
            var response = AdminResponse.json(.null)
            response.body = value.json(.pretty) + [UInt8(ascii: "\n")]
            return response
        }
        do throws(UnwritableValue) {
            let text =
                isYAML ? String(decoding: try ConfigFormat.yaml.write(value), as: UTF8.self) : try value.shownText
            return .text(text, diagnostics: await rendered(report.problems))
        } catch {
            return .error(
                406, "YAML cannot say \(error.found) at \(error.path.dotted): \(error.remedy)", asText: isText)
        }
    }

    private func explanation(
        of evaluated: EvaluatedConfig, at path: ConfigPath, _ name: ResourceName, _ report: ConfigReport,
        _ request: AdminRequest
    ) async -> AdminResponse {
        let view = ConfigExplanationView(evaluated, at: path)
        guard !view.isEmpty else {
            return .error(404, Self.nothing(at: path, of: name, evaluated.value), asText: request.wantsText)
        }
        // Of what was taken away it is told by whom; the answer is no all the same.
        let exitCode: Int32? = evaluated.value[path] == nil ? 1 : nil
        guard request.wantsText else {
            var json = JSONMembers()
            json.add("namespace", name.namespace)
            json.add("name", name.name)
            json.add("revision", report.revision)
            json.add("valueCount", .integer(view.valueCount))
            json.addList("values", view.values)
            json.add("problemCount", .integer(report.problems.count))
            json.addList("problems", ShownDiagnostics(report.problems).shown.map(\.json))
            return .json(json.json, exitCode: exitCode)
        }
        let rest =
            view.isWhole ? "" : "\(view.valueCount) values are too many to explain at once: name a path\n"
        return .text(view.text, diagnostics: await rendered(report.problems) + rest, exitCode: exitCode)
    }

    /// What is asked for is not there, and why.
    func withProblems(_ message: String, _ problems: [Diagnostic], asText isText: Bool) async -> AdminResponse {
        guard !isText else {
            return .text(
                "", diagnostics: await rendered(problems) + "error: \(message)\n", status: 503, exitCode: 1)
        }
        var response = AdminResponse.json(
            [
                "error": [
                    "message": .string(message), "problemCount": .integer(problems.count),
                    "problems": .array(ShownDiagnostics(problems).shown.map(\.json)),
                ]
            ], status: 503, exitCode: 1)
        response.diagnosticsByteCount = response.body.count
        return response
    }

    /// With the key that was probably meant.
    private static func nothing(at path: ConfigPath, of name: ResourceName, _ value: ConfigValue) -> String {
        var known = ConfigPath.root
        for key in path.keys {
            guard value[known.appending(key)] != nil else { break }
            known = known.appending(key)
        }
        let message = "Config \(name) has nothing at \(path.dotted.printable)"
        guard path.keys.count > known.keys.count, let map = value[known]?.map,
            let near = NearestName(to: path.keys[known.keys.count], among: map.entries.map(\.key))
        else { return message }
        return "\(message); \(near.question)"
    }
}
