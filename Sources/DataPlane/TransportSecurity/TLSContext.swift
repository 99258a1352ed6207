import COpenSSL
import CommonValues
package import Cryptography
import SPIFFE

/// The settings that sessions of one kind share. Rotation makes a new context; sessions keep the one they began with.
///
/// SAFETY: `pointer` is private to this module, never nil, freed once, and not changed after `init`; sessions of any thread
/// may be made from it, as OpenSSL counts its references atomically. Its callbacks are given this object unretained: they run
/// inside calls of a session, and every session holds its context.
@safe
package final class TLSContext: @unchecked Sendable {
    enum Role {
        case meshServer(ServerCredentials, TrustBundle)
        case meshClient(TrustBundle)
        case gatewayServer(ServerCredentials)
    }

    /// Largest certificate chain taken from a peer, in bytes of DER: 16 KiB.
    package static let peerChainByteLimit = 16 * 1024

    let pointer: OpaquePointer
    let role: Role
    /// ALPN names (RFC 7301 § 3.1), each after its length; a server's most wanted first. Stable, as OpenSSL keeps pointers.
    private let protocolNames: UnsafeMutableBufferPointer<UInt8>

    /// For calls from other nodes: TLS 1.3, both sides prove who they are, no tickets.
    /// - Parameters:
    ///   - identities: By the server name that callers ask for; a caller that asks for another is refused.
    ///   - applicationProtocols: ALPN names in order of preference. A caller that offers none is taken; one that offers only
    ///     others is refused.
    package static func meshServer(
        identities: [String: X509SVID], bundle: TrustBundle, applicationProtocols: [String] = ["h2"]
    ) throws(CryptographyError) -> TLSContext {
        var credentials = ServerCredentials()
        for (name, identity) in identities { credentials.add(identity.credentials, for: name) }
        return try TLSContext(.meshServer(credentials, bundle), applicationProtocols)
    }

    /// For calls to other nodes: TLS 1.3, both sides prove who they are, no tickets. Whose call it is, each session says.
    package static func meshClient(
        bundle: TrustBundle, applicationProtocols: [String] = ["h2"]
    ) throws(CryptographyError) -> TLSContext {
        try TLSContext(.meshClient(bundle), applicationProtocols)
    }

    /// For calls from outside: TLS 1.2 and above; callers stay anonymous. One stateless ticket a handshake: it stands for no
    /// identity here, and its key goes with the context.
    package static func gatewayServer(
        certificates: ServerCredentials, applicationProtocols: [String] = ["http/1.1"]
    ) throws(CryptographyError) -> TLSContext {
        try TLSContext(.gatewayServer(certificates), applicationProtocols)
    }

    private init(_ role: Role, _ applicationProtocols: [String]) throws(CryptographyError) {
        ERR_clear_error()
        let names = applicationProtocols.flatMap { name in [UInt8(clamping: name.utf8.count)] + name.utf8.prefix(255) }
        let library =
            switch role {
            case .meshServer, .meshClient: unsafe MeshAlgorithms.library
            // An operator's key may be of any kind, and there is no peer's certificate to read.
            case .gatewayServer: unsafe OpaquePointer?.none
            }
        guard let pointer = unsafe SSL_CTX_new_ex(library, nil, TLS_method()) else {
            throw CryptographyError(drainingQueueAfter: "cannot make a TLS context")
        }
        self.role = role
        unsafe self.pointer = unsafe pointer
        unsafe protocolNames = .allocate(capacity: names.count)
        _ = unsafe protocolNames.initialize(from: names)
        guard configure() else { throw CryptographyError(drainingQueueAfter: "cannot set up a TLS context") }
    }

    deinit {
        unsafe SSL_CTX_free(pointer)
        unsafe protocolNames.deallocate()
    }

    private func configure() -> Bool {
        unsafe COpenSSL_set_common_options(pointer)
        // Partial writes and moving buffers: output is coalesced in buffers that grow between two attempts. Reads go on
        // past records without data (OpenSSL's auto-retry, on as it comes): with edge-triggered events no second one
        // would say that data waits behind such a record.
        let modes = SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
        unsafe COpenSSL_set_mode(pointer, Int(modes))
        unsafe COpenSSL_session_cache_off(pointer)
        unsafe COpenSSL_set_read_ahead(pointer)
        unsafe COpenSSL_set_chain_byte_limit(pointer, Self.peerChainByteLimit)
        unsafe SSL_CTX_set_msg_callback(pointer, noteTraffic)
        let me = unsafe Unmanaged.passUnretained(self).toOpaque()
        switch role {
        case .meshServer(_, let bundle):
            unsafe COpenSSL_set_server_name_callback(pointer, selectCredentials, me)
            unsafe SSL_CTX_set_alpn_select_cb(pointer, selectProtocol, me)
            return unsafe configureMesh(bundle, me)
        case .meshClient(let bundle):
            // Unlike its neighbours this call answers 0 when it worked.
            let names = unsafe protocolNames
            guard unsafe SSL_CTX_set_alpn_protos(pointer, names.baseAddress, CUnsignedInt(names.count)) == 0 else {
                return false
            }
            return unsafe configureMesh(bundle, me)
        case .gatewayServer:
            unsafe COpenSSL_set_server_name_callback(pointer, selectCredentials, me)
            unsafe SSL_CTX_set_alpn_select_cb(pointer, selectProtocol, me)
            unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_NONE, nil)
            return unsafe COpenSSL_set_minimum_version(pointer, TLS1_2_VERSION) == 1
                && COpenSSL_set_groups(pointer, "X25519:P-256:P-384") == 1
                && SSL_CTX_set_cipher_list(pointer, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1
                && SSL_CTX_set_num_tickets(pointer, 1) == 1
        }
    }

    private func configureMesh(_ bundle: TrustBundle, _ me: UnsafeMutableRawPointer) -> Bool {
        unsafe COpenSSL_set_mesh_options(pointer)
        unsafe COpenSSL_set_store(pointer, bundle.store)
        unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        unsafe SSL_CTX_set_cert_verify_callback(pointer, verifyPeer, me)
        // The second line serves authorities of operators', which need not be on P-256 as our leaves are.
        let algorithms =
            "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:rsa_pss_rsae_sha256:RSA+SHA256:RSA+SHA384:RSA+SHA512"
        return unsafe COpenSSL_set_minimum_version(pointer, TLS1_3_VERSION) == 1
            && COpenSSL_set_groups(pointer, "X25519:P-256") == 1
            && COpenSSL_set_signature_algorithms(pointer, algorithms) == 1
            && SSL_CTX_set_ciphersuites(pointer, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384") == 1
            && SSL_CTX_set_num_tickets(pointer, 0) == 1
    }

    fileprivate func credentials(for serverName: String?) -> TLSCredentials? {
        switch role {
        case .meshServer(let table, _), .gatewayServer(let table): table.credentials(for: serverName)
        case .meshClient: nil
        }
    }

    /// - Returns: The status OpenSSL wants.
    fileprivate func chooseProtocol(
        _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?, _ chosenCount: UnsafeMutablePointer<UInt8>?,
        _ offered: UnsafePointer<UInt8>?, _ offeredCount: CUnsignedInt
    ) -> CInt {
        var name: UnsafeMutablePointer<UInt8>?
        let status = unsafe SSL_select_next_proto(
            &name, chosenCount, protocolNames.baseAddress, CUnsignedInt(protocolNames.count), offered, offeredCount)
        guard status == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        unsafe chosen?.pointee = unsafe UnsafePointer(name)
        return SSL_TLSEXT_ERR_OK
    }
}

/// The one place where SNI is read: what chooses the certificate and what chooses the service are the same bytes.
func canonicalServerName(_ session: OpaquePointer) -> String? {
    guard let name = unsafe SSL_get_servername(session, TLSEXT_NAMETYPE_host_name) else { return nil }
    return unsafe ServerName.canonical(String(cString: name))
}

// OpenSSL's callbacks. The last argument is the context that `configure` gave; see SAFETY above.

private let selectCredentials:
    @convention(c) (OpaquePointer?, UnsafeMutablePointer<CInt>?, UnsafeMutableRawPointer?) -> CInt = {
        session, alert, argument in
        guard let session = unsafe session, let argument = unsafe argument else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        let context = unsafe Unmanaged<TLSContext>.fromOpaque(argument).takeUnretainedValue()
        guard let credentials = context.credentials(for: unsafe canonicalServerName(session)) else {
            unsafe sessionState(session)?.pointee.serverNameIsUnknown = true
            unsafe alert?.pointee = SSL_AD_UNRECOGNIZED_NAME
            return SSL_TLSEXT_ERR_ALERT_FATAL
        }
        guard unsafe use(credentials, in: session) else {
            unsafe alert?.pointee = SSL_AD_INTERNAL_ERROR
            return SSL_TLSEXT_ERR_ALERT_FATAL
        }
        return SSL_TLSEXT_ERR_OK
    }

private let selectProtocol:
    @convention(c) (
        OpaquePointer?, UnsafeMutablePointer<UnsafePointer<UInt8>?>?, UnsafeMutablePointer<UInt8>?,
        UnsafePointer<UInt8>?, CUnsignedInt, UnsafeMutableRawPointer?
    ) -> CInt = { _, chosen, chosenCount, offered, offeredCount, argument in
        guard let argument = unsafe argument else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        let context = unsafe Unmanaged<TLSContext>.fromOpaque(argument).takeUnretainedValue()
        return unsafe context.chooseProtocol(chosen, chosenCount, offered, offeredCount)
    }

private let verifyPeer: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> CInt = { storeContext, argument in
    guard let storeContext = unsafe storeContext, let argument = unsafe argument,
        let session = unsafe COpenSSL_verified_session(storeContext), let state = unsafe sessionState(session)
    else { return 0 }
    let context = unsafe Unmanaged<TLSContext>.fromOpaque(argument).takeUnretainedValue()
    let acceptableIDs = unsafe state.pointee.acceptableIDs
    let verification: PeerVerification
    switch context.role {
    case .meshServer(_, let bundle):
        verification = PeerVerification(bundle: bundle, isCaller: true, acceptableIDs: acceptableIDs)
    case .meshClient(let bundle):
        verification = PeerVerification(bundle: bundle, isCaller: false, acceptableIDs: acceptableIDs)
    case .gatewayServer: return 0
    }
    switch unsafe verification.verify(storeContext) {
    case .success(let peer):
        unsafe state.pointee.peer = peer
        return 1
    case .failure(let rejection):
        unsafe state.pointee.rejection = rejection
        return 0
    }
}

private let noteTraffic:
    @convention(c) (CInt, CInt, CInt, UnsafeRawPointer?, Int, OpaquePointer?, UnsafeMutableRawPointer?) -> Void = {
        isOurs, _, type, _, _, session, _ in
        guard isOurs == 0, let session = unsafe session, let state = unsafe sessionState(session) else { return }
        switch type {
        case SSL3_RT_HEADER: unsafe state.pointee.traffic.receivedRecord()
        case SSL3_RT_HANDSHAKE: unsafe state.pointee.traffic.receivedMessage()
        default: return
        }
        // What is buffered behind it would all be taken before the read returns; this has OpenSSL stop at the next record.
        if unsafe state.pointee.traffic.isFlood { unsafe SSL_set_shutdown(session, SSL_RECEIVED_SHUTDOWN) }
    }

/// The state that `TLSSession.init` tied to an `SSL *`.
@unsafe
func sessionState(_ session: OpaquePointer) -> UnsafeMutablePointer<SessionState>? {
    unsafe COpenSSL_session_data(session)?.assumingMemoryBound(to: SessionState.self)
}

/// Has an `SSL *` show `credentials`, which it shares.
@unsafe
func use(_ credentials: TLSCredentials, in session: OpaquePointer) -> Bool {
    unsafe COpenSSL_use_credentials(
        session, credentials.leaf.pointer, credentials.key.pointer, credentials.intermediates?.pointer) == 1
}
