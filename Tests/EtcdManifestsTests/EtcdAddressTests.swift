import EtcdManifests
import Testing

@Suite struct EtcdAddressTests {
    @Test func endpointsAndPrefixAreTold() throws {
        let address = try EtcdAddress("etcd://10.0.0.5:2379,[::1]:12379,etcd.example/mesh/one")
        #expect(address.endpoints == ["http://10.0.0.5:2379", "http://[::1]:12379", "http://etcd.example:2379"])
        #expect(address.prefix == "/mesh/one")
        #expect(try EtcdAddress("etcds://a/m").endpoints == ["https://a:2379"])
    }

    @Test(arguments: [
        "etcd://", "etcd://a", "etcd://a/", "etcd://a/m/", "etcd://a//m", "etcd://a/../m", "etcd:///m", "etcd://a:x/m",
        "etcd://a:0/m", "etcd://a:99999/m", "etcd://user:secret@a/m", "etcd://a,/m", "http://a/m", "etcd://a/m?x",
        "etcd://a/%6d",
        "etcd://[::1/m", "etcd://a b/m", "etcd://a/m#x",
    ])
    func allElseIsNone(text: String) { #expect(throws: EtcdAddress.Mistake.self) { try EtcdAddress(text) } }
}
