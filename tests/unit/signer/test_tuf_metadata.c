#include <criterion/criterion.h>
#include <string.h>

#include "signer/tuf_metadata.h"

#define HEAD(type)                                                                                 \
	"\"_type\":\"" type                                                                        \
	"\",\"spec_version\":\"1.0.0\",\"version\":3,\"expires\":\"2030-01-02T03:04:05Z\""
#define ROLE(name) "\"" name "\":{\"threshold\":1,\"keyids\":[\"k\"]}"
#define ROLES ROLE("root") "," ROLE("timestamp") "," ROLE("snapshot") "," ROLE("targets")
#define POINT                                                                                      \
	"046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"                       \
	"4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
#define KEY(id)                                                                                    \
	"\"" id "\":{\"keytype\":\"ecdsa\",\"scheme\":\"ecdsa-sha2-nistp256\",\"keyval\":{"        \
	"\"public\":\"" POINT "\"}}"
#define DOCUMENT(body) "{\"signed\":{" body "},\"signatures\":[]}"
#define HASH "\"sha256\":\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\""

static struct tuf_metadata *parsed(enum tuf_type type, const char *text)
{
	struct err *err = NULL;
	struct tuf_metadata *metadata = tuf_metadata_parse(type, text, strlen(text), &err);

	cr_assert(metadata, "%s: %s", text, err ? err->msg : "");
	return metadata;
}

static void refused(enum tuf_type type, const char *text, const char *words)
{
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(!tuf_metadata_parse(type, text, strlen(text), &err), "%s", text);
	cr_assert(strstr(err->msg, words), "'%s' has no '%s'", err->msg, words);
}

Test(tuf_metadata, root)
{
	CLEANUP(tuf_metadata_freep)
	struct tuf_metadata *root = parsed(TUF_ROOT,
		"{\"signed\":{" HEAD("root") ",\"consistent_snapshot\":true,\"keys\":{" KEY(
			"k") ",\"odd\":{\"keytype\":\"new\",\"scheme\":\"kind\",\"keyval\":{"
			     "\"public\":\"?\"}}},\"roles\":{" ROLES
			     "}},\"signatures\":[{\"keyid\":"
			     "\"k\",\"sig\":\"\"},{\"keyid\":\"l\",\"sig\":\"ab\"}],\"more\":1}");
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_eq(root->version, 3);
	cr_assert_eq(root->expires_unix_ms, 1893553445000);
	cr_assert(root->consistent_snapshot);
	cr_assert_eq(root->keys.len, 2);
	cr_assert_str_eq(root->roles.items[TUF_TARGETS].name, "targets");
	cr_assert_eq(root->signatures.len, 2);
	/* An empty signature is a place kept free, not a fault; it counts for nothing. */
	cr_assert(!tuf_metadata_check(root, &root->roles.items[TUF_ROOT], root, &err));
	cr_assert(err_is(err, ERR_AUTH));
}

Test(tuf_metadata, common_faults)
{
	refused(TUF_TIMESTAMP, "", "line 1");
	refused(TUF_TIMESTAMP, "[]", "an object with \"signed\"");
	refused(TUF_TIMESTAMP, "{\"signed\":[]}", "an object with \"signed\"");
	refused(TUF_TIMESTAMP, DOCUMENT(HEAD("snapshot")), "\"_type\" is not \"timestamp\"");
	refused(TUF_TIMESTAMP, DOCUMENT("\"_type\":\"timestamp\",\"spec_version\":\"2.0\""), "1.x");
	refused(TUF_TIMESTAMP,
		DOCUMENT("\"_type\":\"timestamp\",\"spec_version\":\"1.0\",\"version\":0"),
		"\"version\"");
	refused(TUF_TIMESTAMP,
		DOCUMENT("\"_type\":\"timestamp\",\"spec_version\":\"1.0\",\"version\":\"1\""),
		"\"version\"");
	refused(TUF_TIMESTAMP,
		DOCUMENT("\"_type\":\"timestamp\",\"spec_version\":\"1.0\",\"version\":1,"
			 "\"expires\":\"tomorrow\""),
		"\"expires\"");
	refused(TUF_TIMESTAMP, DOCUMENT(HEAD("timestamp")), "\"meta\" must be an object");
	refused(TUF_TIMESTAMP, DOCUMENT(HEAD("timestamp") ",\"meta\":{}"), "snapshot.json");
	refused(TUF_SNAPSHOT, DOCUMENT(HEAD("snapshot") ",\"meta\":{}"), "targets.json");
	refused(TUF_SNAPSHOT, DOCUMENT(HEAD("snapshot") ",\"meta\":{\"targets.json\":{}}"),
		"'targets.json': \"version\"");
	refused(TUF_SNAPSHOT,
		DOCUMENT(HEAD("snapshot") ",\"meta\":{\"targets.json\":{\"version\":1,\"length\":-"
					  "1}}"),
		"\"length\"");
	refused(TUF_SNAPSHOT,
		DOCUMENT(HEAD("snapshot") ",\"meta\":{\"targets.json\":{\"version\":1,\"hashes\":{"
					  "}}}"),
		"\"hashes\"");
	refused(TUF_SNAPSHOT,
		DOCUMENT(HEAD("snapshot") ",\"meta\":{\"targets.json\":{\"version\":1,\"hashes\":{"
					  "\"sha256\":\"12\"}}}"),
		"64 hexadecimal");
	refused(TUF_SNAPSHOT,
		"{\"signed\":{" HEAD("snapshot") ",\"meta\":{\"targets.json\":{\"version\":1}}},"
						 "\"signatures\":[{\"keyid\":\"a\",\"sig\":\"\"},"
						 "{\"keyid\":\"a\",\"sig\":\"\"}]}",
		"two signatures of key 'a'");
}

Test(tuf_metadata, root_faults)
{
	refused(TUF_ROOT, DOCUMENT(HEAD("root") ",\"roles\":{" ROLES "}"), "\"keys\"");
	refused(TUF_ROOT, DOCUMENT(HEAD("root") ",\"keys\":{},\"roles\":{" ROLE("root") "}"),
		"role 'timestamp'");
	refused(TUF_ROOT,
		DOCUMENT(HEAD("root") ",\"keys\":{},\"roles\":{\"root\":{\"threshold\":0,"
				      "\"keyids\":[]}}"),
		"role 'root': \"threshold\"");
	refused(TUF_ROOT,
		DOCUMENT(HEAD("root") ",\"keys\":{},\"roles\":{\"root\":{\"threshold\":1,"
				      "\"keyids\":[\"a\",\"a\"]}}"),
		"different texts");
	refused(TUF_ROOT,
		DOCUMENT(HEAD("root") ",\"keys\":{\"k\":{\"keytype\":\"ecdsa\",\"scheme\":\"ecdsa-"
				      "sha2-nistp256\",\"keyval\":{\"public\":\"00\"}}},\"roles\":"
				      "{" ROLES "}"),
		"key 'k'");
}

Test(tuf_metadata, targets_and_files)
{
	CLEANUP(tuf_metadata_freep)
	struct tuf_metadata *targets = parsed(TUF_TARGETS,
		DOCUMENT(HEAD("targets") ",\"targets\":{\"a\":{\"length\":5,\"hashes\":{" HASH
					 "}},\"b\":{\"length\":5,\"hashes\":{\"md5\":\"x\"}}}"));
	const struct tuf_file *a = tuf_metadata_file(targets, "a");
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(a && !tuf_metadata_file(targets, "c"));
	cr_assert(tuf_file_check(a, "hello", 5, NULL));
	cr_assert(!tuf_file_check(a, "hallo", 5, &err) && err_is(err, ERR_DIGEST));
	err_free(steal_ptr(&err));
	cr_assert(!tuf_file_check(a, "hell", 4, &err) && err_is(err, ERR_DIGEST));
	err_free(steal_ptr(&err));
	cr_assert(!tuf_file_check(tuf_metadata_file(targets, "b"), "hello", 5, &err));
	cr_assert(err_is(err, ERR_UNSUPPORTED));
	refused(TUF_TARGETS, DOCUMENT(HEAD("targets") ",\"targets\":{\"a\":{\"length\":1}}"),
		"needs hashes");
	refused(TUF_TARGETS,
		DOCUMENT(HEAD("targets") ",\"targets\":{},\"delegations\":{\"keys\":{}}"),
		"\"roles\"");
	refused(TUF_TARGETS,
		DOCUMENT(HEAD("targets") ",\"targets\":{},\"delegations\":{\"keys\":{},\"roles\":[{"
					 "\"name\":\"root\",\"terminating\":false}]}"),
		"name of its own");
}

#define DELEGATION(name, rest)                                                                     \
	"{\"name\":\"" name "\",\"terminating\":false,\"threshold\":1,\"keyids\":[\"k\"]," rest "}"

static size_t asked(const struct tuf_metadata *targets, const char *path, const char *first)
{
	struct tuf_delegations delegations;
	bool terminated;

	tuf_delegations_for(targets, path, &delegations, &terminated);
	size_t count = delegations.items.len;
	if (count > 0)
		cr_assert_str_eq(delegations.items.items[0].name, first, "%s", path);
	tuf_delegations_release(&delegations);
	return count;
}

Test(tuf_metadata, delegations)
{
	CLEANUP(tuf_metadata_freep)
	struct tuf_metadata *targets = parsed(TUF_TARGETS,
		DOCUMENT(HEAD(
			"targets") ",\"targets\":{},\"delegations\":{\"keys\":{},\"roles\":"
				   "[" DELEGATION("star",
					   "\"paths\":[\"*.txt\",\"d/?\"]") "," DELEGATION("hash",
					   "\"path_hash_prefixes\":[\"2cf2\"]") "]"
										"}"));

	cr_assert_eq(asked(targets, "a.txt", "star"), 1);
	cr_assert_eq(asked(targets, "a/b.txt", ""), 0);
	cr_assert_eq(asked(targets, "d/x", "star"), 1);
	cr_assert_eq(asked(targets, "d/xy", ""), 0);
	/* SHA-256 of "hello" begins with 2cf2. */
	cr_assert_eq(asked(targets, "hello", "hash"), 1);
}

Test(tuf_metadata, hash_bins)
{
	CLEANUP(tuf_metadata_freep)
	struct tuf_metadata *targets = parsed(TUF_TARGETS,
		DOCUMENT(HEAD("targets") ",\"targets\":{},\"delegations\":{\"keys\":{},\"succinct_"
					 "roles\":{\"name_prefix\":\"bin\",\"bit_length\":10,"
					 "\"threshold\":1,\"keyids\":[\"k\"]}}"));

	/* 0x2cf2 >> 6 */
	cr_assert_eq(asked(targets, "hello", "bin-0b3"), 1);
	refused(TUF_TARGETS,
		DOCUMENT(HEAD("targets") ",\"targets\":{},\"delegations\":{\"keys\":{},\"succinct_"
					 "roles\":{\"name_prefix\":\"bin\",\"bit_length\":33}}"),
		"from 1 to 32");
}
