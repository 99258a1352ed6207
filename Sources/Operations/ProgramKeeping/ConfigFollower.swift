import BlockingCalls
package import ConfigValues
import Diagnostics
package import EventLoops
import Glibc
import HTTPSemantics
package import SystemInterfaces

/// Why a config cannot be followed now.
package struct FollowingTrouble: Error, Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        /// Until somebody changes the rules, or the mesh, there is no use in waiting.
        case refused
        /// It may be there later.
        case away
    }

    package let kind: Kind
    /// For people.
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}

/// Follows one config as the workload that this process is, on a thread of its own, for as long as the process lasts. Whoever answers
/// may end, start again and be slow: what there was is as it was until there is another one.
package struct ConfigFollower: Sendable {
    package enum News: Sendable {
        case value(ConfigValue)
        case trouble(FollowingTrouble)
    }

    /// `shop/web`
    private let name: String
    /// `/v1/configs/shop/web`
    private let path: String
    /// Asks the mesh anew where its listener is: after its restart this process may be nobody, or the listener another.
    private let findPlace: @Sendable () throws(FollowingTrouble) -> NetworkAddress

    /// Between two tries, doubled from the first to the second.
    private static let pauses = (first: 200, longest: 10_000)

    /// - Parameter name: `namespace/name`, of letters that a path takes as they are.
    package init(_ name: String, findPlace: @escaping @Sendable () throws(FollowingTrouble) -> NetworkAddress) {
        self.name = name
        self.findPlace = findPlace
        path = "/v1/configs/\(name)"
    }

    /// - Parameters:
    ///   - place: Where the listener is now.
    ///   - tell: On that thread.
    package func start(
        at place: NetworkAddress, _ tell: @escaping @Sendable (News) -> Void
    ) throws(SystemCallError) {
        try SystemThread.start(name: "config") {
            var (place, pause) = (place, Self.pauses.first)
            var followed = FollowedValue(name)
            while true {
                do throws(FollowingTrouble) {
                    try follow(&followed, at: place) { value in
                        pause = Self.pauses.first
                        tell(.value(value))
                    }
                } catch {
                    tell(.trouble(error))
                }
                while true {
                    // Not all that were cut off at once come back at once.
                    usleep(UInt32(Int.random(in: pause / 2...pause)) * 1_000)
                    pause = min(pause * 2, Self.pauses.longest)
                    do throws(FollowingTrouble) {
                        place = try findPlace()
                        break
                    } catch {
                        tell(.trouble(error))
                    }
                }
            }
        }
    }

    /// Until the stream ends in good order.
    private func follow(
        _ followed: inout FollowedValue, at place: NetworkAddress, _ tell: (ConfigValue) -> Void
    ) throws(FollowingTrouble) {
        var fields = [(name: "Accept", value: "text/event-stream")]
        if let tag = followed.tag { fields.append(("Last-Event-ID", tag)) }
        var refusal: FollowingTrouble?
        do throws(BrokenAnswer) {
            // Heddle writes something every 15 s.
            let answer = try CallAnswer(
                CallAnswer.Request(.get, "\(path)/watch", host: "config.mesh", fields: fields), at: place,
                .silence(.seconds(45)))
            if answer.head.status == 200 {
                guard answer.field("content-type") == "text/event-stream" else {
                    throw BrokenAnswer(description: "what came is no stream of events")
                }
                var reader = EventReader()
                while let piece = try answer.next() {
                    for event in try reader.take(piece.span) {
                        try followed.take(event)
                        if let value = followed.value { tell(value) }
                    }
                }
            } else {
                refusal = try trouble(answer, at: place)
            }
        } catch {
            throw FollowingTrouble(.away, "Config \(name): \(error.description)")
        }
        if let refusal { throw refusal }
    }

    /// What an answer says that is no stream.
    private func trouble(
        _ answer: CallAnswer, at place: NetworkAddress
    ) throws(BrokenAnswer) -> FollowingTrouble {
        let status = answer.head.status
        let reason = answer.field("x-heddle-reason")?.printable
        if status == 403 {
            let why =
                reason == "denied" || reason == nil
                ? "no rule lets this workload watch it, or there is none: an ALLOW with targetRefs for the Config must name GET of "
                    + "/watch, and of what it may read below /values"
                : "the listener at \(place) does not take this process for the workload: \(reason ?? "")"
            return FollowingTrouble(.refused, "Config \(name): \(why) (403)")
        }
        let origin = TextOrigin(layer: "problem", file: "problem")
        let body = try answer.text()
        let problem = try? JSONReader.read(body.span, of: origin)
        let detail: String? =
            if case .string(let text)? = problem?.map?["detail"]?.content { text.printable } else { reason }
        let kind: FollowingTrouble.Kind = status >= 500 || status == 429 || status == 408 ? .away : .refused
        return FollowingTrouble(kind, "Config \(name): \(detail ?? "there is no such answer") (\(status))")
    }
}
