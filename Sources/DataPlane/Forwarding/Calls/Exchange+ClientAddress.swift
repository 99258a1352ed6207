import CommonValues
import EventLoops
import HTTPSemantics

extension Exchange {
    /// The client as the trusted proxies of a gateway report it: the last address of `x-forwarded-for` that is not a
    /// trusted proxy's own. `nil`: the peer itself.
    func clientAddress(_ listener: GatewayListenerView) -> IPAddress? {
        guard let field = request.value(of: .forwardedFor) else { return nil }
        let value = request.text(field)
        var client: IPAddress?
        for item in value.split(separator: ",").reversed() {
            let text = item.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed()
            guard let address = IPAddress(String(text)) else { return client }
            client = address
            guard listener.trusts(address) else { return client }
        }
        return client
    }
}
