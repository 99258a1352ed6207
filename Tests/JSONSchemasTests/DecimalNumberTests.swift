import ConfigValues
import FuzzKit
import Testing

@testable import JSONSchemas

@Test(arguments: [
    (0.0075, 0.0001, true), (0.00751, 0.0001, false), (1e308, 0.5, true), (1e308, 0.123456789, false), (4.5, 1.5, true),
    (-4.5, 1.5, true), (35, 1.5, false), (0, 0.1, true), (0.3, 0.1, true), (1.1, 0.1, true),
    (Double.leastNonzeroMagnitude, Double.leastNonzeroMagnitude, true),
    (1, Double.leastNonzeroMagnitude, true), (Double.leastNonzeroMagnitude, 1, false), (1e300, 3e299, false),
    (9e15, 3e-10, true), (100, 1000, false),
    (1e23, 1e22, true),
])
func `a multiple is one in decimal`(number: Double, divisor: Double, isMultiple: Bool) {
    #expect(DecimalNumber(ConfigNumber(number)).isMultiple(of: DecimalNumber(ConfigNumber(divisor))) == isMultiple)
}

@Test func `whole numbers are divided exactly`() {
    let largest = DecimalNumber(.integer(.max))
    #expect(largest.isMultiple(of: DecimalNumber(.integer(7))))
    #expect(!DecimalNumber(.integer(.max - 1)).isMultiple(of: DecimalNumber(.integer(7))))
    #expect(DecimalNumber(.integer(.min)).isMultiple(of: DecimalNumber(.integer(1 << 62))))
    var random = SplitMix64(seed: 5)
    for _ in 0..<1_000 {
        let (number, divisor) = (Int64(truncatingIfNeeded: random.next()) >> 20, Int64(random.next(below: 50) + 1))
        let isMultiple = DecimalNumber(.integer(number)).isMultiple(of: DecimalNumber(.integer(divisor)))
        #expect(isMultiple == number.isMultiple(of: divisor))
        let tenths = DecimalNumber(ConfigNumber(Double(number % 100_000) / 10))
        #expect(
            tenths.isMultiple(of: DecimalNumber(ConfigNumber(Double(divisor) / 10)))
                == (number % 100_000).isMultiple(of: divisor))
    }
}
