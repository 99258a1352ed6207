/// FNV-1a over bytes, extended a byte at a time, so that one pass over a string yields the hash of each of its prefixes.
/// It only ever finds candidates, which are then compared byte by byte: a collision costs time and decides nothing, and
/// callers cannot fill a bucket, because only what manifests say is put into one.
enum RollingHash {
    static let seed: UInt64 = 0xCBF2_9CE4_8422_2325

    @inline(__always)
    static func extended(_ hash: UInt64, by byte: UInt8) -> UInt64 {
        (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }

    static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(seed, extended)
    }

    /// Spreads a hash over all bits, together with what else tells two keys apart (the finalizer of MurmurHash3).
    @inline(__always)
    static func mixed(_ hash: UInt64, with salt: UInt64) -> UInt64 {
        var value = hash ^ (salt &* 0x9E37_79B9_7F4A_7C15)
        value = (value ^ (value >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        value = (value ^ (value >> 33)) &* 0xC4CE_B9FE_1A85_EC53
        return value ^ (value >> 33)
    }
}
