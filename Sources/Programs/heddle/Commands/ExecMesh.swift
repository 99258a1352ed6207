import AdminAPI
import CommonValues
import EventLoops
import Glibc
import ProgramKeeping

/// The mesh of this host, as `heddle exec` asks it at its workload socket.
struct ExecMesh: Sendable {
    /// Of the workload socket, absolute.
    let path: String
    /// `namespace/name`
    let workload: String

    /// What it says to a process that is the workload now.
    struct Answer {
        /// What the program is to have in its environment.
        var variables: [(name: String, value: String)] = []
        /// Where it calls; `nil`: it has no listener.
        var outbound: NetworkAddress?
        /// It is the workload without what it starts.
        var isAlone = false
        /// For people.
        var diagnostics: [UInt8] = []
    }

    struct Refusal: Error {
        let status: UInt16
        let exitCode: Int32
        let diagnostics: [UInt8]
    }

    enum Failure: Error {
        case unreachable(AdminClient.Unreachable)
        case refused(Refusal)
    }

    /// Has this process be the workload.
    func ask() throws(Failure) -> Answer {
        let response: AdminClient.Answer
        do throws(AdminClient.Unreachable) {
            response = try AdminClient(path: path).send(
                "POST", ["v1", "exec"], query: [(name: "as", value: workload), (name: "format", value: "text")])
        } catch {
            throw .unreachable(error)
        }
        guard response.status == 200 else {
            throw .refused(
                Refusal(
                    status: response.status, exitCode: response.exitCode, diagnostics: response.diagnostics))
        }
        return Self.answer(response)
    }

    /// What a mesh has to say to a program, and nothing else: whoever answers at the socket may be another than the mesh, and some
    /// variables are orders (LD_PRELOAD, PATH).
    private static func answer(_ response: AdminClient.Answer) -> Answer {
        var answer = Answer(diagnostics: response.diagnostics)
        for line in String(decoding: response.output, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "HEDDLE_WORKLOAD": answer.variables.append((parts[0], parts[1]))
            case "http_proxy" where parts[1].hasPrefix("http://"): answer.variables.append((parts[0], parts[1]))
            case "outbound": answer.outbound = NetworkAddress(outbound: parts[1])
            case "alone": answer.isAlone = parts[1] == "true"
            default: continue
            }
        }
        return answer
    }

    /// Where the listener is now: this process asks to be the workload again, for after a restart of the mesh it may be nobody.
    func place() throws(FollowingTrouble) -> NetworkAddress {
        do throws(Failure) {
            guard let place = try ask().outbound else {
                throw Failure.refused(
                    Refusal(
                        status: 404, exitCode: 1, diagnostics: Array("\(workload) has no outbound listener".utf8)))
            }
            return place
        } catch {
            switch error {
            case .unreachable(let error): throw FollowingTrouble(.away, error.description)
            case .refused(let refusal):
                var text = String(decoding: refusal.diagnostics, as: UTF8.self)
                if text.hasPrefix("error: ") { text.removeFirst("error: ".count) }
                while text.last == "\n" { text.removeLast() }
                // A mesh that starts or ends may have another word for it later.
                throw FollowingTrouble(refusal.status >= 500 ? .away : .refused, text)
            }
        }
    }
}

extension NetworkAddress {
    /// `127.0.0.1:15101`, `[::1]:15101`, `unix:/run/web.sock`.
    fileprivate init?(outbound text: String) {
        if text.hasPrefix("unix:/"), text.utf8.count <= 112 {
            self = .unix(path: String(text.dropFirst(5)))
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
            let address = IPAddress(text[..<colon].filter { $0 != "[" && $0 != "]" })
        else { return nil }
        self = .ip(address, port: port)
    }
}
