import Testing

@testable import SystemInterfaces

@Suite struct EphemeralPortsTests {
    @Test func `a port is one of them if it lies in the range and is not reserved`() {
        let ports = EphemeralPorts(range: "32768\t60999\n", reserved: "40000,41000-41002\n")
        #expect(ports != nil)
        let expected: [(port: UInt16, isOne: Bool)] = [
            (32767, false), (32768, true), (60999, true), (61000, false), (40000, false), (40001, true), (41000, false),
            (41002, false), (41003, true),
        ]
        for (port, isOne) in expected { #expect(ports?.contains(port) == isOne, "\(port)") }
    }

    @Test(arguments: ["", "32768", "60999 32768", "a b", "1 2 3", "1 65536"])
    func `what is no range is none`(text: String) { #expect(EphemeralPorts(range: text, reserved: "") == nil) }

    @Test func `this host has some`() { #expect(EphemeralPorts.current != nil) }
}
