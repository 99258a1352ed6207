import COpenSSL
import Glibc

/// A library context of OpenSSL with only the algorithms that TLS between nodes uses.
///
/// To read the key of a peer's certificate, OpenSSL 3.0 looks through everything that its providers have, by name: a third
/// of a handshake's time. Here it finds three decoders in the place of forty, two ciphers in that of 124. The algorithms are
/// the default provider's own; this one answers for it, and leaves most of it out.
///
/// SAFETY: `provider` and `tables` are set while `library` is made, once, and never changed or freed. The callbacks get and
/// return pointers of the default provider, which is never unloaded.
enum MeshAlgorithms {
    /// An `OSSL_LIB_CTX *`; `nil`: the default one. So it is with later versions of OpenSSL, and where the operator asks for
    /// FIPS: that is not ours to pass by.
    @unsafe
    static var library: OpaquePointer? { unsafe made.library }

    @safe
    private final class Made: Sendable {
        nonisolated(unsafe) let library: OpaquePointer?

        init() {
            unsafe library = MeshAlgorithms.make()
            ERR_clear_error()
        }
    }

    private static let made = Made()
    @unsafe private nonisolated(unsafe) static var provider: OpaquePointer?
    /// By operation; `nil`: there are none.
    @unsafe private nonisolated(unsafe) static var tables: [CInt: UnsafeMutablePointer<OSSL_ALGORITHM>] = unsafe [:]

    /// By operation, as OpenSSL calls them first. SHA-1 is what it tells certificates apart by.
    private static let names: [CInt: Set<String>] = [
        OSSL_OP_DIGEST: ["SHA2-256", "SHA2-384", "SHA2-512", "SHA1"],
        OSSL_OP_CIPHER: ["AES-128-GCM", "AES-256-GCM"],
        OSSL_OP_MAC: ["HMAC"],
        OSSL_OP_KDF: ["HKDF", "TLS13-KDF"],
        OSSL_OP_RAND: ["CTR-DRBG", "SEED-SRC"],
        OSSL_OP_KEYMGMT: ["EC", "RSA", "RSA-PSS", "X25519", "HKDF", "HMAC"],
        OSSL_OP_KEYEXCH: ["ECDH", "X25519", "HKDF"],
        OSSL_OP_SIGNATURE: ["ECDSA", "RSA"],
        OSSL_OP_DECODER: ["EC", "RSA", "RSA-PSS"],
    ]

    private static func make() -> OpaquePointer? {
        // From 3.2 on OpenSSL remembers which decoder reads what.
        guard OPENSSL_version_major() == 3, OPENSSL_version_minor() < 2,
            EVP_default_properties_is_fips_enabled(nil) == 0, let provider = unsafe OSSL_PROVIDER_load(nil, "default")
        else { return nil }
        unsafe Self.provider = unsafe provider
        for (operation, names) in names {
            guard let table = unsafe selection(of: names, from: operation) else { return nil }
            unsafe tables[operation] = unsafe table
        }
        let library = unsafe OSSL_LIB_CTX_new()
        let isAdded =
            unsafe OSSL_PROVIDER_add_builtin(library, "heddle", { unsafe MeshAlgorithms.initialize($2, $3) }) == 1
        guard isAdded, unsafe OSSL_PROVIDER_load(library, "heddle") != nil else {
            unsafe OSSL_LIB_CTX_free(library)
            return nil
        }
        return unsafe library
    }

    private static func selection(of names: Set<String>, from operation: CInt) -> UnsafeMutablePointer<OSSL_ALGORITHM>?
    {
        var isVolatile: CInt = 0
        guard let all = unsafe OSSL_PROVIDER_query_operation(provider, operation, &isVolatile), isVolatile == 0 else {
            return nil
        }
        var chosen: [OSSL_ALGORITHM] = unsafe []
        var next = unsafe all
        while let name = unsafe next.pointee.algorithm_names {
            let properties = unsafe next.pointee.property_definition.map { unsafe String(cString: $0) } ?? ""
            // Keys in certificates come in one form; those in files are read elsewhere.
            let isReadable =
                operation != OSSL_OP_DECODER || properties.contains("input=der,structure=SubjectPublicKeyInfo")
            if isReadable, names.contains(String(unsafe String(cString: name).prefix { $0 != ":" })) {
                unsafe chosen.append(next.pointee)
            }
            unsafe next += 1
        }
        // The end of the table is an entry without a name.
        unsafe chosen.append(OSSL_ALGORITHM())
        let table = UnsafeMutablePointer<OSSL_ALGORITHM>.allocate(capacity: unsafe chosen.count)
        unsafe table.initialize(from: chosen, count: chosen.count)
        return unsafe table
    }

    // MARK: The provider

    private static let query:
        @convention(c) (UnsafeMutableRawPointer?, CInt, UnsafeMutablePointer<CInt>?) -> UnsafePointer<OSSL_ALGORITHM>? =
            { _, operation, isVolatile in
                unsafe isVolatile?.pointee = 0
                return unsafe UnsafePointer(MeshAlgorithms.tables[operation])
            }

    private static let capabilities:
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafePointer<CChar>?,
            (@convention(c) (UnsafePointer<OSSL_PARAM>?, UnsafeMutableRawPointer?) -> CInt)?, UnsafeMutableRawPointer?
        ) -> CInt = { _, name, callback, argument in
            unsafe OSSL_PROVIDER_get_capabilities(MeshAlgorithms.provider, name, callback, argument)
        }

    /// What OpenSSL may call; without an end it would read on.
    @unsafe private nonisolated(unsafe) static let functions: UnsafeMutablePointer<OSSL_DISPATCH> = {
        typealias Function = @convention(c) () -> Void
        let table = UnsafeMutablePointer<OSSL_DISPATCH>.allocate(capacity: 3)
        unsafe table.initialize(repeating: OSSL_DISPATCH(), count: 3)
        unsafe table[0] = OSSL_DISPATCH(
            function_id: CInt(OSSL_FUNC_PROVIDER_QUERY_OPERATION), function: unsafeBitCast(query, to: Function.self))
        unsafe table[1] = OSSL_DISPATCH(
            function_id: CInt(OSSL_FUNC_PROVIDER_GET_CAPABILITIES),
            function: unsafeBitCast(capabilities, to: Function.self))
        return unsafe table
    }()

    private static func initialize(
        _ functions: UnsafeMutablePointer<UnsafePointer<OSSL_DISPATCH>?>?,
        _ context: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    ) -> CInt {
        // The algorithms are the default provider's, so they are to get what they know.
        unsafe context?.pointee = OSSL_PROVIDER_get0_provider_ctx(provider)
        unsafe functions?.pointee = UnsafePointer(Self.functions)
        return 1
    }
}
