/*
 * What the files of the fake Sigstore share. A call belongs to its connection's thread; keys and
 * authorities do not change after the start; logs, faults and counters lock themselves.
 */
#ifndef CIP_TESTS_FAKES_SIGSTORE_FAKE_H
#define CIP_TESTS_FAKES_SIGSTORE_FAKE_H

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/vec.h"
#include "tests/fakes/google_api.h"
#include "tests/fakes/sigstore.h"
#include "tests/fakes/tiny_server.h"

#define FAKE_BYTES_MAX ((size_t)16 << 20)
#define FAKE_HASH_SIZE 32

/* ---- crypto.c: OpenSSL with exits instead of errors ---- */

/* Exits with OpenSSL's reasons unless it is 1. */
void fake_must(int success);
void fake_sha256(const void *bytes, size_t len, uint8_t ret_hash[FAKE_HASH_SIZE]);
/* SHA-256 unless the key is Ed25519; ECDSA in DER. Appends. */
void fake_sign(EVP_PKEY *key, const void *bytes, size_t len, struct str *out);
/* Over the whole message, with the hash function that goes with the key. */
bool fake_verify(EVP_PKEY *key, const void *bytes, size_t len, const struct str *signature);
/* Over a digest by `hash`. */
bool fake_verify_digest(EVP_PKEY *key, const EVP_MD *hash, const uint8_t *digest, size_t len,
	const struct str *signature);
void fake_spki(EVP_PKEY *key, struct str *out);
void fake_der(X509 *certificate, struct str *out);
char *fake_pem(X509 *certificate);
char *fake_pem_key(EVP_PKEY *key);
/* From PEM of a certificate or of a public key; NULL if it is neither. */
EVP_PKEY *fake_key_of_pem(const struct str *pem);
char *fake_base64(const struct str *bytes);
/* Either alphabet without padding, as JWTs have it. */
char *fake_base64url(const void *bytes, size_t len);
bool fake_unbase64(const char *text, size_t len, struct str *out);
bool fake_unbase64url(const char *text, size_t len, struct str *out);
char *fake_hex(const uint8_t *bytes, size_t len);

/* ---- authority.c: certificates ---- */

struct fake_authority {
	EVP_PKEY *key;
	X509 *certificate;
};

/* issuer NULL: a root. Valid from a day before now_ms for ten years. */
void fake_authority_init(struct fake_authority *authority, const char *name,
	const struct fake_authority *issuer, bool is_time_stamping, int64_t now_ms);
void fake_authority_release(struct fake_authority *authority);

/* A certificate that its issuer has still to sign: names, validity, key, serial number. */
X509 *fake_certificate_new(const struct fake_authority *issuer, EVP_PKEY *key, int64_t not_before_s,
	int64_t not_after_s);
void fake_add_extension(X509 *certificate, X509 *issuer, int nid, const char *value);
/* `bytes` is the whole value of the extension. */
void fake_add_raw_extension(
	X509 *certificate, const char *oid, bool is_critical, const void *bytes, size_t len);

/* ---- merkle.c ---- */

struct fake_hash {
	uint8_t bytes[FAKE_HASH_SIZE];
};

#define FAKE_TREE_LEVELS 40

/* levels[k] are the hashes of the complete subtrees of 2^k leaves. */
struct fake_tree {
	VEC(struct fake_hash) levels[FAKE_TREE_LEVELS];
};

void fake_leaf_hash(const void *bytes, size_t len, struct fake_hash *ret_hash);
void fake_tree_add(struct fake_tree *tree, const struct fake_hash *leaf);
size_t fake_tree_size(const struct fake_tree *tree);
void fake_tree_root(const struct fake_tree *tree, size_t size, struct fake_hash *ret_root);
/* Appends the path from the leaf to the root of the tree as it was with `size` leaves. */
size_t fake_tree_path(const struct fake_tree *tree, size_t index, size_t size,
	struct fake_hash ret_path[FAKE_TREE_LEVELS]);
void fake_tree_release(struct fake_tree *tree);

/* ---- log.c: what both Rekors do with their tree ---- */

struct fake_entry {
	char *body;
	size_t len;
	int64_t time_s;
};

struct fake_log {
	EVP_PKEY *key;
	uint8_t id[FAKE_HASH_SIZE]; /* key id; its first bytes are the hint */
	char *name;		    /* of signatures: the host */
	char *origin;
	pthread_mutex_t lock;
	struct fake_tree tree;
	VEC(struct fake_entry) entries;
};

/* The one shard of Rekor v1 that is written to. */
#define FAKE_REKOR1_TREE UINT64_C(3904496407287907110)

/* tree_id 0: a v2 log. */
void fake_log_init(struct fake_log *log, const char *host, uint64_t tree_id);
void fake_log_release(struct fake_log *log);
/* With the log's lock held. Takes the body; false with its index if there was one of the same bytes. */
bool fake_log_add(struct fake_log *log, char *body, int64_t time_s, size_t *ret_index);
bool fake_log_find(const struct fake_log *log, const struct fake_hash *leaf, size_t *ret_index);

/* A proof, made wrong in the way that the fault says. */
struct fake_proof {
	size_t index, size;
	struct fake_hash root;
	struct fake_hash path[FAKE_TREE_LEVELS];
	size_t path_len;
	char *checkpoint;
};

/* ---- faults.c ---- */

enum fake_action {
	FAKE_NOTHING,
	FAKE_STATUS,
	FAKE_RESET,
	FAKE_STALL,
	FAKE_DELAY,
	FAKE_TRUNCATE,
	FAKE_GARBAGE,
	FAKE_HUGE,
	FAKE_RESET_AFTER,
	FAKE_WRONG_IDENTITY,
	FAKE_WRONG_ISSUER,
	FAKE_WRONG_KEY,
	FAKE_EXPIRED,
	FAKE_NOT_YET_VALID,
	FAKE_WRONG_AUTHORITY,
	FAKE_NO_SCT,
	FAKE_BAD_SCT,
	FAKE_UNKNOWN_SCT,
	FAKE_STATIC_SCT,
	FAKE_DETACHED,
	FAKE_WRONG_ENTRY,
	FAKE_BAD_PROOF,
	FAKE_BAD_SET,
	FAKE_NO_SET,
	FAKE_BAD_CHECKPOINT,
	FAKE_WRONG_HINT,
	FAKE_WRONG_ROOT,
	FAKE_WRONG_ORIGIN,
	FAKE_UNKNOWN_LOG,
	FAKE_WITNESSES,
	FAKE_WRONG_IMPRINT,
	FAKE_WRONG_NONCE,
	FAKE_NO_NONCE,
	FAKE_BAD_SIGNATURE,
	FAKE_UNKNOWN_AUTHORITY,
	FAKE_REJECTED,
	FAKE_LATE,
};

struct fake_fault {
	enum fake_action action;
	char *argument; /* owned by the rule, which lives as long as the fake */
};

struct fake_rule {
	enum fake_service service;
	char *method;
	uint64_t nth, seen;
	bool and_later, is_forgotten;
	struct fake_fault fault;
};

struct fake_faults {
	pthread_mutex_t lock;
	VEC(struct fake_rule) rules;
};

struct fake_fault fake_faults_match(
	struct fake_faults *faults, enum fake_service service, const char *method);
void fake_faults_release(struct fake_faults *faults);
int64_t fake_fault_number(const struct fake_fault *fault);

/* Caller frees the checkpoint. With the log's lock held. */
void fake_log_prove(struct fake_log *log, size_t index, size_t size, enum fake_action fault,
	struct fake_proof *ret_proof);

/* ---- sigstore.c ---- */

extern const char *const fake_service_names[FAKE_SERVICES];

#define FAKE_METHODS 4

struct fake_listener {
	struct fake_sigstore *fake;
	enum fake_service service;
	struct tiny_server *server;
	atomic_uint requests[FAKE_METHODS]; /* GET, POST, others, all */
};

struct fake_sigstore {
	struct fake_sigstore_options options;
	const struct clock *clock;
	struct fake_listener listeners[FAKE_SERVICES];
	char *tsa_url;
	char *issuers[FAKE_ISSUERS];
	struct fake_faults faults;
	pthread_mutex_t request_log_lock;
	int64_t start_ms, start_monotonic_ms;

	struct google_api google;
	EVP_PKEY *token_key;
	char *token_key_id;
	struct fake_authority fulcio_root, fulcio, strange_root, strange;
	EVP_PKEY *ct_key, *strange_ct_key;
	atomic_uint ct_index;
	struct fake_log rekor1, rekor2;
	struct fake_authority tsa_root, tsa, strange_tsa_root, strange_tsa;
	atomic_uint tsa_serial;
};

/* One request and what to answer. */
struct fake_call {
	struct fake_sigstore *fake;
	enum fake_service service;
	struct tiny_exchange *exchange;
	char *path;	   /* without query */
	const char *query; /* "" without */
	struct str body;
	struct fake_fault fault;

	int status;
	struct str headers; /* lines with \r\n */
	struct str answer;
};

bool fake_call_is(const struct fake_call *call, const char *method, const char *path);
void fake_answer_text(struct fake_call *call, int status, const char *type, const char *text);
/* Takes the tree. */
void fake_answer_json(struct fake_call *call, int status, json_t *tree);
/* As gRPC gateways answer: {"code":3,"message":...,"details":[]}. */
void fake_refuse_grpc(struct fake_call *call, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
json_t *fake_call_json(struct fake_call *call); /* NULL unless the body is an object */
int64_t fake_now_s(const struct fake_sigstore *fake);
/* JSON without white space, keys sorted: RFC 8785 for what is said here. */
char *fake_canonical(const json_t *tree);
json_t *fake_json_base64(const struct str *bytes);

/* ---- One file a service ---- */
void fake_oidc_init(struct fake_sigstore *fake);
void fake_oidc(struct fake_call *call);
/* Google's own endpoints read their request themselves. */
bool fake_oidc_is_googles(const struct tiny_exchange *exchange);
void fake_fulcio(struct fake_call *call);
/* Both logs begin with entries of somebody else, so that proofs are of some length. */
#define FAKE_FOREIGN_ENTRIES 5
void fake_rekor1_fill(struct fake_log *log);
void fake_rekor1(struct fake_call *call);
void fake_rekor2_fill(struct fake_log *log);
void fake_rekor2(struct fake_call *call);
void fake_tsa(struct fake_call *call);

/* ---- oidc.c for fulcio.c ---- */
extern const char *const fake_issuer_types[FAKE_ISSUERS];
/* The claims of a good token; NULL: Fulcio does not say why either. */
json_t *fake_token_read(
	const struct fake_sigstore *fake, const char *token, enum fake_issuer *ret_issuer);

/* ---- ct.c ---- */
/* Adds an embedded SCT to a certificate that `issuer` has signed, and has it signed again. */
void fake_ct_embed(struct fake_sigstore *fake, X509 *certificate,
	const struct fake_authority *issuer, enum fake_action fault);

#endif
