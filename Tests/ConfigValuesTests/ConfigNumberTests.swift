import ConfigValues
import Testing

@Suite struct ConfigNumberTests {
    @Test func wholeNumbersAreEqualHoweverTheyAreHeld() {
        #expect(ConfigNumber.integer(1) == .fraction(1))
        #expect(Set([ConfigNumber.integer(1), .fraction(1)]).count == 1)
        #expect(ConfigNumber(2) == .integer(2))
    }

    @Test func orderIsExactWhereFractionsAreCoarse() {
        // 2^53 + 1 is no fraction of 64 bits: as one it is 2^53.
        let whole = ConfigNumber.integer(1 << 53 + 1)
        #expect(ConfigNumber.fraction(0x1p53) < whole)
        #expect(whole != .fraction(0x1p53))
        #expect(ConfigNumber.integer(.max) < .fraction(0x1p63))
        #expect(ConfigNumber.fraction(-0x1p63) == .integer(.min))
        #expect(ConfigNumber.integer(2) < .fraction(2.5))
        #expect(ConfigNumber.fraction(-2.5) < .integer(-2))
    }
}
