/* Answers of logs: the straight ones, and each field wrong or missing. */
#include "signer/rekor_answer.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/alloc.h"
#include "base/enc.h"

#define BODY "{\"apiVersion\":\"0.0.1\",\"kind\":\"hashedrekord\",\"spec\":{}}"
#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define TREE "0123456789abcdef"

/* The hash of the body's leaf in hexadecimal, fresh. */
static char *leaf_of(const char *body)
{
	uint8_t hash[MERKLE_HASH_SIZE];
	char *text = mem_new(1, 2 * sizeof(hash) + 1);

	merkle_leaf(body, strlen(body), hash);
	hex_encode(hash, sizeof(hash), text);
	return text;
}

static char *with_proof(const char *id, const char *body, const char *outer, const char *proof)
{
	CLEANUP(mem_freep) char *base64 = base64_encode(body, strlen(body));

	return mem_printf("{\"%s\":{\"body\":\"%s\",\"logID\":\"" HASH_A "\",%s,"
			  "\"verification\":{\"inclusionProof\":{%s},"
			  "\"signedEntryTimestamp\":\"AAEC\"}}}",
		id, base64, outer, proof);
}

#define OUTER "\"integratedTime\":1710869186,\"logIndex\":79571823"
#define PROOF                                                                                      \
	"\"checkpoint\":\"note\\n\",\"hashes\":[\"" HASH_A "\",\"" HASH_B                          \
	"\"],\"logIndex\":75408392,\"rootHash\":\"" HASH_B "\",\"treeSize\":75408393"

static char *whole(void)
{
	CLEANUP(mem_freep) char *leaf = leaf_of(BODY);
	CLEANUP(mem_freep) char *id = mem_printf(TREE "%s", leaf);

	return with_proof(id, BODY, OUTER, PROOF);
}

static void expect_error_v1(const char *text, enum err_kind kind, const char *words)
{
	CLEANUP(log_entry_release) struct log_entry entry = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(rekor_answer_parse_v1(text, strlen(text), &entry, &err), "%s", text);
	cr_assert_eq(err->kind, kind, "%s", err->msg);
	cr_assert(strstr(err->msg, words), "'%s' does not say '%s'", err->msg, words);
}

Test(rekor_answer, v1_entry)
{
	CLEANUP(mem_freep) char *text = whole();
	CLEANUP(log_entry_release) struct log_entry entry = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(
		rekor_answer_parse_v1(text, strlen(text), &entry, &err), "%s", err ? err->msg : "");
	cr_assert_eq(entry.index, 79571823);
	cr_assert_eq(entry.proof_index, 75408392);
	cr_assert_eq(entry.proof_size, 75408393);
	cr_assert_eq(entry.integrated_time, 1710869186);
	cr_assert_str_eq(entry.kind, "hashedrekord");
	cr_assert_str_eq(entry.version, "0.0.1");
	cr_assert_eq(entry.log_id[0], 0xaa);
	cr_assert_eq(entry.proof_root.len, MERKLE_HASH_SIZE);
	cr_assert_eq(entry.proof_root.data[31], 0xbb);
	cr_assert_eq(entry.proof_path.len, 2 * MERKLE_HASH_SIZE);
	cr_assert_eq(entry.proof_path.data[0], 0xaa);
	cr_assert_eq(entry.proof_path.data[MERKLE_HASH_SIZE], 0xbb);
	cr_assert_str_eq(entry.checkpoint, "note\n");
	cr_assert(bytes_equal(&entry.promise, "\0\1\2", 3));
	cr_assert(bytes_equal(&entry.body, BODY, strlen(BODY)));
}

Test(rekor_answer, v1_id)
{
	CLEANUP(mem_freep) char *leaf = leaf_of(BODY);
	CLEANUP(mem_freep) char *other = with_proof(TREE HASH_A, BODY, OUTER, PROOF);
	CLEANUP(mem_freep) char *bad = with_proof("../../etc", BODY, OUTER, PROOF);
	CLEANUP(mem_freep) char *short_id = with_proof(leaf, BODY, OUTER, PROOF);
	CLEANUP(log_entry_release) struct log_entry entry = {0};

	expect_error_v1(other, ERR_INVALID, "another body");
	expect_error_v1(bad, ERR_INVALID, "no entry id");
	cr_assert(rekor_answer_parse_v1(short_id, strlen(short_id), &entry, NULL));
}

Test(rekor_answer, v1_not_one_entry)
{
	expect_error_v1("{}", ERR_INVALID, "0 entries");
	expect_error_v1("{\"a\":{},\"b\":{}}", ERR_INVALID, "2 entries");
	expect_error_v1("[]", ERR_INVALID, "no JSON object");
	expect_error_v1("", ERR_INVALID, "JSON");
	expect_error_v1("{\"" HASH_A "\":[]}", ERR_INVALID, "body");
	expect_error_v1("{\"" HASH_A "\":null}", ERR_INVALID, "body");
}

/* Replaces the first occurrence; the answer then names the part that is wrong. */
static void expect_broken(const char *part, const char *with, const char *words)
{
	CLEANUP(mem_freep) char *text = whole();
	const char *at = strstr(text, part);

	cr_assert(at, "%s", part);
	CLEANUP(mem_freep)
	char *broken = mem_printf("%.*s%s%s", (int)(at - text), text, with, at + strlen(part));
	expect_error_v1(broken, ERR_INVALID, words);
}

Test(rekor_answer, v1_each_field)
{
	expect_broken("\"body\":\"", "\"body\":\"*", "body");
	expect_broken("\"body\"", "\"ybod\"", "body");
	expect_broken("\"logID\":\"aa", "\"logID\":\"a", "logID");
	expect_broken("\"logID\":\"aa", "\"logID\":\"AA", "logID");
	expect_broken("\"integratedTime\":1710869186", "\"integratedTime\":-1", "integratedTime");
	expect_broken("\"integratedTime\":1710869186", "\"integratedTime\":\"1710869186\"",
		"integratedTime");
	expect_broken("\"integratedTime\":1710869186", "\"integratedTime\":253402300800",
		"integratedTime");
	expect_broken("\"logIndex\":79571823", "\"logIndex\":1.5", "logIndex");
	expect_broken("\"logIndex\":75408392", "\"logIndex\":-2", "logIndex");
	expect_broken("\"treeSize\":75408393", "\"treeSize\":null", "treeSize");
	expect_broken("\"rootHash\":\"b", "\"rootHash\":\"x", "rootHash");
	expect_broken("\"checkpoint\":\"note\\n\"", "\"checkpoint\":\"\"", "checkpoint");
	expect_broken("\"hashes\":[\"aa", "\"hashes\":[\"a", "hashes");
	expect_broken("\"hashes\":[", "\"hashes\":[1,", "hashes");
	expect_broken("\"hashes\"", "\"hashed\"", "hashes");
	expect_broken("\"signedEntryTimestamp\":\"AAEC\"", "\"signedEntryTimestamp\":\"\"",
		"signedEntryTimestamp");
	expect_broken("\"inclusionProof\"", "\"exclusionProof\"", "inclusionProof");
}

Test(rekor_answer, v1_path_too_long)
{
	struct str hashes = STR_INIT(STR_TEXT_MAX);

	for (int i = 0; i <= MERKLE_PROOF_MAX; i++)
		str_add_text(&hashes, "\"" HASH_A "\",");
	CLEANUP(mem_freep) char *more = mem_printf("\"hashes\":[%s", str_text(&hashes));
	expect_broken("\"hashes\":[", more, "hashes");
	str_release(&hashes);
}

Test(rekor_answer, v1_body_says_what_it_is)
{
	CLEANUP(mem_freep) char *leaf = leaf_of("{}");
	CLEANUP(mem_freep) char *text = with_proof(leaf, "{}", OUTER, PROOF);

	expect_error_v1(text, ERR_INVALID, "no kind");
}

/* ---- 409 ---- */

static void expect_id(const char *location, const char *body, const char *expected)
{
	char id[REKOR_ID_MAX + 1] = "untouched";
	bool found = rekor_answer_existing(location, body, strlen(body), id);

	cr_assert_eq(found, expected != NULL, "%s", location ? location : body);
	cr_assert_str_eq(id, expected ? expected : "untouched");
}

Test(rekor_answer, the_entry_that_is_there)
{
#define MESSAGE(id)                                                                                \
	"{\"code\":409,\"message\":\"an equivalent entry already exists with UUID " id "\"}"
	expect_id("/api/v1/log/entries/" TREE HASH_A, "", TREE HASH_A);
	expect_id("https://rekor.example/api/v1/log/entries/" HASH_A "?x=/y", "", HASH_A);
	expect_id(TREE HASH_B, MESSAGE(TREE HASH_A), TREE HASH_B);
	expect_id("/elsewhere/..", MESSAGE(TREE HASH_A), TREE HASH_A);
	expect_id(NULL, MESSAGE(TREE HASH_A), TREE HASH_A);
	expect_id(NULL, MESSAGE("../../" HASH_A), NULL);
	expect_id(NULL, MESSAGE("0" HASH_A), NULL);
	expect_id(NULL, MESSAGE("g" HASH_A), NULL);
	expect_id(NULL, MESSAGE(TREE HASH_A HASH_A), NULL);
	expect_id("", "", NULL);
	expect_id("/", "{\"message\":1}", NULL);
	expect_id(NULL, "no JSON", NULL);
}

/* ---- Rekor v2 ---- */

#define KEY_ID "\"logId\":{\"keyId\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}"
#define V2(version, proof, body)                                                                   \
	"{\"logIndex\":\"735\"," KEY_ID                                                            \
	",\"kindVersion\":{\"kind\":\"hashedrekord\",\"version\":\"" version                       \
	"\"},\"integratedTime\":\"0\",\"inclusionPromise\":null,\"inclusionProof\":" proof         \
	",\"canonicalizedBody\":\"" body "\"}"
#define PROOF_V2                                                                                   \
	"{\"logIndex\":\"735\",\"rootHash\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","     \
	"\"treeSize\":\"736\",\"hashes\":[],\"checkpoint\":{\"envelope\":\"note\"}}"

static void expect_error_v2(const char *text, const char *words)
{
	CLEANUP(log_entry_release) struct log_entry entry = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(rekor_answer_parse_v2(text, strlen(text), &entry, &err), "%s", text);
	cr_assert_eq(err->kind, ERR_INVALID, "%s", err->msg);
	cr_assert(strstr(err->msg, words), "'%s' does not say '%s'", err->msg, words);
}

Test(rekor_answer, v2_entry)
{
	static const char text[] = V2("0.0.2", PROOF_V2, "e30=");
	CLEANUP(log_entry_release) struct log_entry entry = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(
		rekor_answer_parse_v2(text, strlen(text), &entry, &err), "%s", err ? err->msg : "");
	cr_assert_eq(entry.index, 735);
	cr_assert_eq(entry.proof_size, 736);
	cr_assert_eq(entry.integrated_time, 0);
	cr_assert_eq(entry.promise.len, 0);
	cr_assert_str_eq(entry.checkpoint, "note");
	cr_assert(bytes_equal(&entry.body, "{}", 2));
}

Test(rekor_answer, v2_what_is_missing)
{
	expect_error_v2(V2("0.0.1", PROOF_V2, "e30="), "0.0.1");
	expect_error_v2(V2("0.0.2", "null", "e30="), "inclusion proof");
	expect_error_v2(V2("0.0.2", "{\"treeSize\":\"1\"}", "e30="), "checkpoint");
	expect_error_v2(V2("0.0.2", PROOF_V2, ""), "canonicalizedBody");
	expect_error_v2(V2("0.0.2", "[]", "e30="), "inclusionProof");
	expect_error_v2("{}", "logId");
	expect_error_v2("{\"code\":3}", "unknown field");
}
