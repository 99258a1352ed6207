import CommonValues
import Testing

@testable import Authorization

@Suite struct CallFactsTests {
    @Test func `the remote address is the peer's unless a proxy that is trusted reports another`() {
        let peer = IPAddress(high: 0, low: 0xFFFF_0A00_0001)
        let client = IPAddress(high: 0, low: 0xFFFF_CB00_7109)
        let direct = CallFacts(caller: nil, peerAddress: peer)
        let proxied = CallFacts(caller: nil, peerAddress: peer, remoteAddress: client)
        let addresses = (direct.remoteAddress, proxied.remoteAddress)
        #expect(addresses == (peer, client))
    }

    @Test func `the name of the SNI is kept in lower case`() {
        let facts = CallFacts(caller: nil, peerAddress: .unspecified, serverNameIndication: Array("Orders.SHOP".utf8))
        let name = facts.serverNameIndication
        #expect(name == Array("orders.shop".utf8))
    }
}
