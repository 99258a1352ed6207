import BlockingCalls
import ConfigValues

/// What one reader has of a config, event by event.
struct FollowedValue {
    private let origin: TextOrigin
    private(set) var value: ConfigValue?
    /// Of what there is: who comes back with it is told of changes alone.
    private(set) var tag: String?

    /// - Parameter name: `shop/web`
    init(_ name: String) { origin = TextOrigin(layer: "config.mesh", file: "Config \(name)", isSecret: true) }

    /// - Throws: The stream is not what it should be: what there was is left as it was, and is asked for whole.
    mutating func take(_ event: EventReader.Event) throws(BrokenAnswer) {
        do throws(BrokenAnswer) {
            switch event.name {
            case "value": value = try read(event.data)
            case "patch":
                guard let former = value, let patch = JSONPatch(try read(event.data)) else {
                    throw BrokenAnswer(description: "a patch that is none, or of nothing")
                }
                do throws(JSONPatch.Misfit) {
                    value = try patch.applied(to: former)
                } catch {
                    throw BrokenAnswer(description: "a patch that does not fit what there is")
                }
            default: throw BrokenAnswer(description: "an event that is not known")
            }
            tag = event.id
        } catch {
            tag = nil
            throw error
        }
    }

    private func read(_ bytes: [UInt8]) throws(BrokenAnswer) -> ConfigValue {
        var limits = ConfigLimits()
        limits.byteCount = EventReader.defaultLimit
        do throws(InvalidText) {
            return try JSONReader.read(bytes.span, of: origin, limits: limits)
        } catch {
            throw BrokenAnswer(description: "what is no JSON")
        }
    }
}
