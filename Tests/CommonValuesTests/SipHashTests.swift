import Testing

@testable import CommonValues

/// Of the reference implementation's vectors: the key is 00 to 0f, each message the first bytes of 00, 01, 02 and so on.
@Test(
    arguments: [
        (0, 0x726f_db47_dd0e_0e31), (1, 0x74f8_39c5_93dc_67fd), (7, 0xab02_00f5_8b01_d137), (8, 0x93f5_f579_9a93_2462),
        (15, 0xa129_ca61_49be_45e5),
    ] as [(Int, UInt64)])
func `SipHash is as its authors have it`(count: Int, expected: UInt64) {
    let hash = SipHash(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
    let message = (0..<count).map { UInt8($0) }
    let result = hash(message.span)
    #expect(result == expected)
}
