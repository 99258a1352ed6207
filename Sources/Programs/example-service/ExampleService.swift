import Glibc

/// A workload for trying Heddle out: answers every request with what it received, as JSON. Speaks HTTP/1.1, and HTTP/2 with
/// prior knowledge; a gRPC call is answered with one message that holds the same.
@main
enum ExampleService {
    static func main() {
        do throws(Failure) {
            let options = try Options(CommandLine.arguments.dropFirst())
            var server = try Server(name: options.name, host: options.host, port: options.port)
            try server.run()
        } catch {
            let text = Array("example-service: \(error.message)\n".utf8)
            _ = unsafe write(STDERR_FILENO, text, text.count)
            exit(error.exitCode)
        }
    }
}

/// Why the service cannot run, for the person who started it.
struct Failure: Error {
    let message: String
    /// 2: wrong usage. 1: anything else.
    let exitCode: Int32

    static func usage(_ problem: String) -> Failure {
        Failure(message: "\(problem)\nusage: example-service --listen IPV4:PORT --name NAME", exitCode: 2)
    }

    static func system(_ call: String, errno: Int32) -> Failure {
        let reason = unsafe String(cString: strerror(errno))
        return Failure(message: "\(call): \(reason)", exitCode: 1)
    }
}

struct Options {
    private(set) var host = "127.0.0.1"
    private(set) var port: UInt16 = 0
    private(set) var name = ""

    init(_ arguments: some Sequence<String>) throws(Failure) {
        var rest = arguments.makeIterator()
        while let option = rest.next() {
            guard let value = rest.next() else { throw .usage("\(option) needs a value") }
            switch option {
            case "--listen":
                guard let colon = value.lastIndex(of: ":"), let port = UInt16(value[value.index(after: colon)...])
                else {
                    throw .usage("found \"\(value)\", expected an address such as 127.0.0.1:8081")
                }
                self.host = String(value[..<colon])
                self.port = port
            case "--name":
                name = value
            default:
                throw .usage("there is no option \(option)")
            }
        }
        guard port != 0, !name.isEmpty else { throw .usage("--listen and --name are both needed") }
    }
}
