/// xoshiro256**: enough for choosing, and no system call.
package struct FastRandom: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    package init() {
        var seeds = SystemRandomNumberGenerator()
        self.init(seeds: &seeds)
    }

    /// Its numbers follow from those of `seeds`.
    package init(seeds: inout some RandomNumberGenerator) {
        state = (seeds.next(), seeds.next(), seeds.next(), seeds.next() | 1)
    }

    package mutating func next() -> UInt64 {
        let product = state.1 &* 5
        let result = ((product << 7) | (product >> 57)) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = (state.3 << 45) | (state.3 >> 19)
        return result
    }
}
