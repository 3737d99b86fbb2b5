/* Forms of payloads: what one is made of makes the next; nothing else does. */
#include "signer/payload_forms.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#define NAME "registry.k8s.io/pause"

DEFINE_CLEANUP(struct payload_forms, forms_freep, payload_forms_free)

static struct digest digest_with(uint8_t byte)
{
	struct digest digest = {.algorithm = DIGEST_SHA256};

	memset(digest.bytes, byte, 32);
	return digest;
}

static void learn(struct payload_forms *forms, const char *name, uint8_t byte, const char *version)
{
	const struct payload_annotation annotation = {"org.kubernetes.kpromo.version", version};
	CLEANUP(str_release) struct str payload = STR_INIT(PAYLOAD_MAX_SIZE);
	struct digest digest = digest_with(byte), image = digest_with(1);

	payload_write(name, &digest, &annotation, version ? 1 : 0, &payload);
	payload_forms_learn(forms, NAME, &image, payload.bytes, payload.len);
}

static size_t count(struct payload_forms *forms)
{
	size_t count = 0;

	for (;; count++) {
		CLEANUP(str_release) struct str payload = STR_INIT(PAYLOAD_MAX_SIZE);
		struct digest digest = digest_with(2);
		if (!payload_forms_write(forms, count, NAME, &digest, &payload))
			return count;
	}
}

Test(payload_forms, the_next_payload)
{
	CLEANUP(forms_freep) struct payload_forms *forms = payload_forms_new();
	const struct payload_annotation annotation = {
		"org.kubernetes.kpromo.version", "kpromo-v4.0.3-5-ge9"};
	CLEANUP(str_release) struct str payload = STR_INIT(PAYLOAD_MAX_SIZE);
	CLEANUP(str_release) struct str wanted = STR_INIT(PAYLOAD_MAX_SIZE);
	struct digest other = digest_with(2);

	cr_assert_eq(count(forms), 0);
	learn(forms, NAME, 1, annotation.value);
	learn(forms, NAME, 1, annotation.value);
	cr_assert_eq(count(forms), 1);
	cr_assert(payload_forms_write(forms, 0, "a.io/b", &other, &payload));
	payload_write("a.io/b", &other, &annotation, 1, &wanted);
	cr_assert_str_eq(str_text(&payload), str_text(&wanted));
	learn(forms, NAME, 1, NULL);
	cr_assert_eq(count(forms), 2);
}

Test(payload_forms, of_something_else)
{
	CLEANUP(forms_freep) struct payload_forms *forms = payload_forms_new();
	CLEANUP(str_release) struct str begin = STR_INIT(PAYLOAD_MAX_SIZE);
	CLEANUP(mem_freep) char *long_one = mem_new(2000, 1);
	struct digest digest = digest_with(1);

	learn(forms, "a.io/b", 1, "v1");
	learn(forms, NAME, 2, "v1");
	payload_forms_learn(forms, NAME, &digest, NULL, 0);
	payload_write_begin(NAME, &digest, &begin);
	payload_forms_learn(forms, NAME, &digest, begin.bytes, begin.len);
	memset(long_one, 'x', 1999);
	learn(forms, NAME, 1, long_one);
	cr_assert_eq(count(forms), 0);
}

Test(payload_forms, the_last_ones_are_kept)
{
	CLEANUP(forms_freep) struct payload_forms *forms = payload_forms_new();
	CLEANUP(str_release) struct str all = STR_INIT(PAYLOAD_MAX_SIZE);
	struct digest digest = digest_with(2);
	char version[8];

	for (unsigned i = 0; i < 20; i++) {
		snprintf(version, sizeof(version), "v%u", i);
		learn(forms, NAME, 1, version);
	}
	cr_assert_eq(count(forms), 8);
	for (size_t i = 0; i < 8; i++)
		payload_forms_write(forms, i, NAME, &digest, &all);
	cr_assert_null(strstr(str_text(&all), "\"v11\""));
	cr_assert(strstr(str_text(&all), "\"v12\"") && strstr(str_text(&all), "\"v19\""));
}
