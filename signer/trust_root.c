/*
 * Reads TrustedRoot documents. One entry that cannot be used never spoils the others: roots outlive
 * the programs that read them. It decides nothing about bundles.
 */
#include "signer/trust_root.h"

#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "signer/certificate_private.h"
#include "signer/json_private.h"
#include "signer/trust_root_private.h"

#define MEDIA_TYPE_0_1 "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
#define MEDIA_TYPE_0_2 "application/vnd.dev.sigstore.trustedroot.v0.2+json"
#define KEY_MAX_SIZE 4096

bool validity_includes(const struct validity *validity, int64_t unix_ms)
{
	return validity->has_start && unix_ms >= validity->start_ms && unix_ms <= validity->end_ms;
}

bool validity_read(const struct json_t *parent, struct validity *ret_validity, struct err **err)
{
	struct validity validity = {.end_ms = INT64_MAX};
	const struct json_t *range;
	const char *start, *end;

	if (!proto_object(parent, "validFor", &range, err) ||
		!proto_text(range, "start", &start, err) || !proto_text(range, "end", &end, err))
		return false;
	if (*start && !clock_parse_rfc3339(start, &validity.start_ms))
		return err_set(err, ERR_INVALID, "validFor.start is no time: %.64s", start);
	if (*end && !clock_parse_rfc3339(end, &validity.end_ms))
		return err_set(err, ERR_INVALID, "validFor.end is no time: %.64s", end);
	validity.has_start = *start != '\0';
	*ret_validity = validity;
	return true;
}

/* ---- Logs ---- */

static void trusted_log_release(struct trusted_log *log)
{
	mem_free(log->base_url);
	mem_free(log->host);
	public_key_free(log->key);
}

/* "https://log.example:3000/x" -> "log.example" */
static char *host_of(const char *url)
{
	const char *scheme = strstr(url, "://");
	const char *host = scheme ? scheme + 3 : url;
	size_t len = *host == '[' ? strcspn(host, "]/?#") + 1 : strcspn(host, ":/?#");

	return mem_strndup(host, len);
}

static bool log_key_read(const struct json_t *entry, struct trusted_log *log, struct err **err)
{
	CLEANUP(bytes_release) struct bytes der = {0};
	const struct json_t *key;
	const char *details;

	if (!proto_object(entry, "publicKey", &key, err) ||
		!proto_text(key, "keyDetails", &details, err) ||
		!proto_bytes(key, "rawBytes", KEY_MAX_SIZE, &der, err) ||
		!validity_read(key, &log->validity, err))
		return false;
	return strncmp(details, "PKCS1_RSA_", 10) == 0
		? public_key_parse_pkcs1(der.data, der.len, &log->key, err)
		: public_key_parse(der.data, der.len, &log->key, err);
}

static bool log_id_read(
	const struct json_t *entry, const char *name, struct bytes *ret_id, struct err **err)
{
	const struct json_t *id;

	if (!proto_object(entry, name, &id, err) ||
		!proto_bytes(id, "keyId", TRUST_ROOT_LOG_ID_SIZE, ret_id, err))
		return false;
	return true;
}

static bool log_read(const struct json_t *entry, struct trusted_log *log, struct err **err)
{
	CLEANUP(bytes_release) struct bytes id = {0};
	CLEANUP(bytes_release) struct bytes checkpoint_id = {0};
	const char *url;

	if (!proto_text(entry, "baseUrl", &url, err))
		return false;
	log->base_url = mem_strdup(url);
	log->host = host_of(url);
	if (!log_key_read(entry, log, err) || !log_id_read(entry, "logId", &id, err) ||
		!log_id_read(entry, "checkpointKeyId", &checkpoint_id, err))
		return false;
	if (id.len != sizeof(log->id))
		return err_set(err, ERR_INVALID, "logId is not 32 bytes long");
	memcpy(log->id, id.data, id.len);
	memcpy(log->hint, checkpoint_id.len >= CHECKPOINT_HINT_SIZE ? checkpoint_id.data : id.data,
		CHECKPOINT_HINT_SIZE);
	return true;
}

/* ---- Authorities ---- */

static void trusted_authority_release(struct trusted_authority *authority)
{
	mem_free(authority->uri);
	certificate_free(authority->signer);
	chain_free(authority->chain);
}

struct certificates {
	struct certificate *items[CHAIN_MAX];
	size_t count;
};

static void certificates_release(struct certificates *list)
{
	for (size_t i = 0; i < list->count; i++)
		certificate_free(list->items[i]);
}

static bool certificates_read(
	const struct json_t *entry, struct certificates *list, struct err **err)
{
	const struct json_t *chain, *array;
	size_t len;

	if (!proto_object(entry, "certChain", &chain, err) ||
		!proto_objects(chain, "certificates", CHAIN_MAX, &array, &len, err))
		return false;
	for (size_t i = 0; i < len; i++) {
		CLEANUP(bytes_release) struct bytes der = {0};
		if (!proto_bytes(
			    proto_element(array, i), "rawBytes", CERTIFICATE_MAX_SIZE, &der, err) ||
			!certificate_parse(der.data, der.len, &list->items[i], err))
			return false;
		list->count++;
	}
	return len > 0 || err_set(err, ERR_INVALID, "no certificates");
}

/* A timestamp authority's chain begins with the certificate that signs. */
static bool signer_take(
	struct certificates *list, struct trusted_authority *authority, struct err **err)
{
	const struct certificate *first = list->items[0];

	if (certificate_is_ca(first))
		return err_set(err, ERR_UNSUPPORTED,
			"its chain does not begin with the certificate that signs");
	if (!certificate_is_for(first, CERTIFICATE_TIME_STAMPING))
		return err_set(err, ERR_INVALID,
			"its certificate is not for time stamping, critical and alone");
	authority->signer = list->items[0];
	list->count--;
	memmove(list->items, list->items + 1, list->count * sizeof(list->items[0]));
	return true;
}

static bool authority_read(const struct json_t *entry, enum certificate_use use,
	struct trusted_authority *authority, struct err **err)
{
	CLEANUP(certificates_release) struct certificates list = {0};
	const char *uri;

	if (!proto_text(entry, "uri", &uri, err))
		return false;
	authority->uri = mem_strdup(uri);
	if (!validity_read(entry, &authority->validity, err) ||
		!certificates_read(entry, &list, err))
		return false;
	if (use == CERTIFICATE_TIME_STAMPING && !signer_take(&list, authority, err))
		return false;
	if (authority->signer && list.count == 0)
		return true;
	if (!chain_new(list.items, list.count, use, &authority->chain, err))
		return false;
	list.count = 0;
	return !authority->signer ||
		chain_issued(authority->chain, authority->signer, &authority->issuer, err);
}

/* ---- The document ---- */

static void skip(struct trust_root *root, const char *sort, size_t index, const struct err *reason)
{
	*vec_push(&root->skipped) = mem_printf("%s[%zu]: %s", sort, index, reason->msg);
}

static bool logs_read(const struct json_t *document, const char *sort, struct trust_root *root,
	bool is_ct, struct err **err)
{
	const struct json_t *array;
	size_t len;

	if (!proto_objects(document, sort, TRUST_ROOT_MAX_ENTRIES, &array, &len, err))
		return false;
	for (size_t i = 0; i < len; i++) {
		CLEANUP(err_freep) struct err *reason = NULL;
		struct trusted_log log = {0};
		if (!log_read(proto_element(array, i), &log, &reason)) {
			skip(root, sort, i, reason);
			trusted_log_release(&log);
		} else if (is_ct) {
			*vec_push(&root->ct_logs) = log;
		} else {
			*vec_push(&root->logs) = log;
		}
	}
	return true;
}

static bool authorities_read(const struct json_t *document, const char *sort,
	struct trust_root *root, enum certificate_use use, struct err **err)
{
	const struct json_t *array;
	size_t len;

	if (!proto_objects(document, sort, TRUST_ROOT_MAX_ENTRIES, &array, &len, err))
		return false;
	for (size_t i = 0; i < len; i++) {
		CLEANUP(err_freep) struct err *reason = NULL;
		struct trusted_authority authority = {0};
		if (!authority_read(proto_element(array, i), use, &authority, &reason)) {
			skip(root, sort, i, reason);
			trusted_authority_release(&authority);
		} else if (use == CERTIFICATE_CODE_SIGNING) {
			*vec_push(&root->certificate_authorities) = authority;
		} else {
			*vec_push(&root->timestamp_authorities) = authority;
		}
	}
	return true;
}

static bool document_read(const struct json_t *document, struct trust_root *root, struct err **err)
{
	const char *type;

	if (!proto_text(document, "mediaType", &type, err))
		return false;
	if (strcmp(type, MEDIA_TYPE_0_1) != 0 && strcmp(type, MEDIA_TYPE_0_2) != 0)
		return err_set(
			err, ERR_UNSUPPORTED, "media type \"%.160s\" is no trusted root", type);
	return logs_read(document, "tlogs", root, false, err) &&
		logs_read(document, "ctlogs", root, true, err) &&
		authorities_read(
			document, "certificateAuthorities", root, CERTIFICATE_CODE_SIGNING, err) &&
		authorities_read(
			document, "timestampAuthorities", root, CERTIFICATE_TIME_STAMPING, err);
}

bool trust_root_parse(const char *text, size_t len, struct trust_root **ret_root, struct err **err)
{
	CLEANUP(json_tree_freep) struct json_t *document = NULL;
	CLEANUP(trust_root_freep) struct trust_root *root = mem_new(1, sizeof(*root));

	root->asker = certificate_asker_new();
	if (!proto_load(text, len, TRUST_ROOT_MAX_SIZE, &document, err) ||
		!document_read(document, root, err))
		return err_prefix(err, "trusted root");
	*ret_root = steal_ptr(&root);
	return true;
}

bool trust_root_read(const char *path, struct trust_root **ret_root, struct err **err)
{
	CLEANUP(str_release) struct str text = STR_INIT(TRUST_ROOT_MAX_SIZE);

	if (!fs_read_file(path, &text, err))
		return err_prefix(err, "trusted root");
	if (!trust_root_parse(str_text(&text), text.len, ret_root, err))
		return err_prefix(err, "%s", path);
	return true;
}

void trust_root_free(struct trust_root *root)
{
	if (!root)
		return;
	for (size_t i = 0; i < root->logs.len; i++)
		trusted_log_release(&root->logs.items[i]);
	for (size_t i = 0; i < root->ct_logs.len; i++)
		trusted_log_release(&root->ct_logs.items[i]);
	for (size_t i = 0; i < root->certificate_authorities.len; i++)
		trusted_authority_release(&root->certificate_authorities.items[i]);
	for (size_t i = 0; i < root->timestamp_authorities.len; i++)
		trusted_authority_release(&root->timestamp_authorities.items[i]);
	for (size_t i = 0; i < root->skipped.len; i++)
		mem_free(root->skipped.items[i]);
	vec_release(&root->logs);
	vec_release(&root->ct_logs);
	vec_release(&root->certificate_authorities);
	vec_release(&root->timestamp_authorities);
	vec_release(&root->skipped);
	mem_free(root);
}

static const struct trusted_log *log_find(
	const struct trusted_log *logs, size_t count, const uint8_t *id)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(logs[i].id, id, TRUST_ROOT_LOG_ID_SIZE) == 0)
			return &logs[i];
	return NULL;
}

const struct trusted_log *trust_root_log(
	const struct trust_root *root, const uint8_t id[TRUST_ROOT_LOG_ID_SIZE])
{
	return log_find(root->logs.items, root->logs.len, id);
}

const struct trusted_log *trust_root_ct_log(
	const struct trust_root *root, const uint8_t id[TRUST_ROOT_LOG_ID_SIZE])
{
	return log_find(root->ct_logs.items, root->ct_logs.len, id);
}

/* ---- Who issued a certificate ---- */

static bool authority_check(const struct trusted_authority *authority,
	const struct certificate *leaf, const int64_t *seconds, size_t count,
	const struct certificate **ret_issuer, struct err **err)
{
	if (!chain_issued(authority->chain, leaf, ret_issuer, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!validity_includes(&authority->validity, seconds[i] * 1000))
			return err_set(err, ERR_INVALID,
				"authority %.160s did not count when it was signed",
				authority->uri);
		if (!chain_is_valid_at(authority->chain, *ret_issuer, leaf, seconds[i], err))
			return false;
	}
	return true;
}

bool trust_root_issued(const struct trust_root *root, const struct certificate *leaf,
	const int64_t *seconds, size_t count, const struct trusted_authority **ret_authority,
	const struct certificate **ret_issuer, struct err **err)
{
	CLEANUP(err_freep) struct err *reason = NULL;

	for (size_t i = 0; i < root->certificate_authorities.len; i++) {
		const struct trusted_authority *authority = &root->certificate_authorities.items[i];
		CLEANUP(err_freep) struct err *failure = NULL;
		const struct certificate *issuer;
		if (authority_check(authority, leaf, seconds, count, &issuer, &failure)) {
			*ret_authority = authority;
			*ret_issuer = issuer;
			return true;
		}
		if (!err_is(failure, ERR_NOT_FOUND))
			err_keep_first(&reason, &failure);
	}
	if (!reason)
		return err_set(err, ERR_INVALID,
			"the certificate is from no authority of the trusted root");
	err_keep_first(err, &reason);
	return false;
}
