#pragma once
// A build in another folder is the same: allocations are not told where they stand.
#define OPENSSL_NO_FILENAMES
#include <openssl/bio.h>
#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// Macros of OpenSSL that Swift cannot import stand here as inline functions.

// Settings of a context.

static inline long COpenSSL_set_minimum_version(SSL_CTX *context, int version) {
    return SSL_CTX_set_min_proto_version(context, version);
}

static inline void COpenSSL_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }

/// No compression, no renegotiation, the server's preferences.
static inline void COpenSSL_set_common_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
}

/// No tickets, and no records that only make TLS 1.3 look like TLS 1.2.
static inline void COpenSSL_set_mesh_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_clear_options(context, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
}

static inline void COpenSSL_session_cache_off(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

static inline void COpenSSL_set_chain_byte_limit(SSL_CTX *context, long byte_count) {
    SSL_CTX_set_max_cert_list(context, byte_count);
}

static inline void COpenSSL_set_read_ahead(SSL_CTX *context) { SSL_CTX_set_read_ahead(context, 1); }

static inline long COpenSSL_set_groups(SSL_CTX *context, const char *list) {
    return SSL_CTX_set1_groups_list(context, list);
}

static inline long COpenSSL_set_signature_algorithms(SSL_CTX *context, const char *list) {
    return SSL_CTX_set1_sigalgs_list(context, list);
}

static inline void COpenSSL_set_server_name_callback(
    SSL_CTX *context, int (*callback)(SSL *, int *, void *), void *argument) {
    SSL_CTX_set_tlsext_servername_callback(context, callback);
    SSL_CTX_set_tlsext_servername_arg(context, argument);
}

/// Adds to what is shown after a leaf. 0 if the security level forbids it.
static inline long COpenSSL_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
    return SSL_CTX_add1_chain_cert(context, certificate);
}

static inline void COpenSSL_set_store(SSL_CTX *context, X509_STORE *store) { SSL_CTX_set1_cert_store(context, store); }

// Settings of a session.

static inline long COpenSSL_set_server_name(SSL *session, const char *name) {
    return SSL_set_tlsext_host_name(session, name);
}

static inline void COpenSSL_set_session_data(SSL *session, void *data) { SSL_set_ex_data(session, 0, data); }

static inline void *COpenSSL_session_data(const SSL *session) { return SSL_get_ex_data(session, 0); }

/// The session that a chain is verified for, or NULL.
static inline SSL *COpenSSL_verified_session(X509_STORE_CTX *context) {
    return X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx());
}

/// Takes the leaf, its key and `intermediates` (may be NULL), each shared and not copied.
static inline int COpenSSL_use_credentials(SSL *session, X509 *leaf, EVP_PKEY *key, STACK_OF(X509) *intermediates) {
    return SSL_use_cert_and_key(session, leaf, key, intermediates, 1);
}

// BIO of a socket.

static inline void COpenSSL_will_retry_read(BIO *bio) {
    BIO_clear_retry_flags(bio);
    BIO_set_retry_read(bio);
}

static inline void COpenSSL_will_retry_write(BIO *bio) {
    BIO_clear_retry_flags(bio);
    BIO_set_retry_write(bio);
}

static inline void COpenSSL_will_not_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

// Memory.

static inline long COpenSSL_memory_contents(BIO *bio, char **contents) { return BIO_get_mem_data(bio, contents); }

// Certificates. Stacks are typed by macros.

static inline STACK_OF(X509) *COpenSSL_certificates_new(void) { return sk_X509_new_null(); }

/// Shares `certificate`. 0 when memory ran out.
static inline int COpenSSL_certificates_add(STACK_OF(X509) *stack, X509 *certificate) {
    return X509_add_cert(stack, certificate, X509_ADD_FLAG_UP_REF);
}

static inline int COpenSSL_certificates_count(const STACK_OF(X509) *stack) { return sk_X509_num(stack); }

static inline X509 *COpenSSL_certificates_value(const STACK_OF(X509) *stack, int index) {
    return sk_X509_value(stack, index);
}

/// Has the session whose peer is being verified keep `known`, which is the same certificate, in the place of the one it has
/// just parsed, and none of what was sent with it. Before and after, OpenSSL looks for the peer's certificate in this stack.
static inline void COpenSSL_share_peer(X509_STORE_CTX *context, X509 *known) {
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(context);
    X509 *parsed = X509_STORE_CTX_get0_cert(context);
    if (!sent || sk_X509_num(sent) < 1 || sk_X509_value(sent, 0) != parsed || parsed == known) { return; }
    if (!X509_up_ref(known)) { return; }
    X509_STORE_CTX_set_cert(context, known);
    sk_X509_set(sent, 0, known);
    X509_free(parsed);
    while (sk_X509_num(sent) > 1) { X509_free(sk_X509_pop(sent)); }
}

static inline void COpenSSL_certificates_free(STACK_OF(X509) *stack) { sk_X509_pop_free(stack, X509_free); }

static inline int COpenSSL_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }

/// The URI of a name, or NULL if it is of another kind.
static inline const ASN1_STRING *COpenSSL_name_uri(const GENERAL_NAMES *names, int index) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    return name->type == GEN_URI ? name->d.uniformResourceIdentifier : NULL;
}

/// The DNS name of a name, or NULL if it is of another kind.
static inline const ASN1_STRING *COpenSSL_name_dns(const GENERAL_NAMES *names, int index) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    return name->type == GEN_DNS ? name->d.dNSName : NULL;
}

/// Adds a subject alternative name of one URI. 0 when it failed.
static inline int COpenSSL_add_uri_name(X509 *certificate, const char *uri, int length) {
    int added = 0;
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();
    if (names && name && value && ASN1_STRING_set(value, uri, length)) {
        GENERAL_NAME_set0_value(name, GEN_URI, value);
        value = NULL;
        if (sk_GENERAL_NAME_push(names, name)) {
            name = NULL;
            added = X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
        }
    }
    ASN1_IA5STRING_free(value);
    GENERAL_NAME_free(name);
    sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
    return added;
}

/// Adds an extension from its form in openssl.cnf, with `issuer` for the key identifiers. 0 when it failed.
static inline int COpenSSL_add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (!extension) { return 0; }
    int added = X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

static inline EVP_PKEY *COpenSSL_generate_p256(void) { return EVP_EC_gen("P-256"); }

/// Gives `certificate` a random positive serial number of 127 bits (RFC 5280 § 4.1.2.2). 0 when it failed.
static inline int COpenSSL_set_random_serial(X509 *certificate) {
    BIGNUM *number = BN_new();
    int done = number && BN_rand(number, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY)
               && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return done;
}

/// The type of text in a certificate's names.
static const int COpenSSL_utf8 = MBSTRING_UTF8;

/// Gives `certificate` the public half of a key on P-256, but only its bytes: `X509_set_pubkey` would write and parse it with
/// OpenSSL 3.0's slow encoders. Such a certificate can be signed and written; to use it, read it back. 0 when it failed.
static inline int COpenSSL_set_p256_key_bytes(X509 *certificate, EVP_PKEY *key) {
    unsigned char *point = NULL;
    size_t length = EVP_PKEY_get1_encoded_public_key(key, &point);
    if (!length) { return 0; }
    int done = X509_PUBKEY_set0_param(
        X509_get_X509_PUBKEY(certificate), OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
        OBJ_nid2obj(NID_X9_62_prime256v1), point, (int)length);
    if (!done) { OPENSSL_free(point); }
    return done;
}

/// What `certificate` is once written and read back, or NULL.
static inline X509 *COpenSSL_read_back(X509 *certificate) {
    unsigned char *bytes = NULL;
    int length = i2d_X509(certificate, &bytes);
    if (length <= 0) { return NULL; }
    const unsigned char *cursor = bytes;
    X509 *copy = d2i_X509(NULL, &cursor, length);
    OPENSSL_free(bytes);
    return copy;
}
