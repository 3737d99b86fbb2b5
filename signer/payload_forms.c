/*
 * Remembers the ends of payloads, as bytes: what they mean is not looked at, and a wrong one is found out
 * by the digest it does not make.
 */
#include "signer/payload_forms.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "signer/bytes.h"

enum { FORMS_MAX = 8, FORM_MAX_SIZE = 1024 };

struct payload_forms {
	pthread_mutex_t lock;
	struct bytes ends[FORMS_MAX]; /* from behind "optional": on */
	size_t next;		      /* to be overwritten */
};

struct payload_forms *payload_forms_new(void)
{
	struct payload_forms *forms = mem_new(1, sizeof(*forms));

	pthread_mutex_init(&forms->lock, NULL);
	return forms;
}

void payload_forms_free(struct payload_forms *forms)
{
	if (!forms)
		return;
	for (size_t i = 0; i < FORMS_MAX; i++)
		bytes_release(&forms->ends[i]);
	pthread_mutex_destroy(&forms->lock);
	mem_free(forms);
}

void payload_forms_learn(struct payload_forms *forms, const char *docker_reference,
	const struct digest *digest, const void *bytes, size_t len)
{
	CLEANUP(str_release) struct str begin = STR_INIT(PAYLOAD_MAX_SIZE);
	size_t i = 0;

	payload_write_begin(docker_reference, digest, &begin);
	if (len <= begin.len || len - begin.len > FORM_MAX_SIZE ||
		memcmp(bytes, str_text(&begin), begin.len) != 0)
		return;
	const char *end = (const char *)bytes + begin.len;
	len -= begin.len;
	pthread_mutex_lock(&forms->lock);
	while (i < FORMS_MAX && !bytes_equal(&forms->ends[i], end, len))
		i++;
	if (i == FORMS_MAX) {
		bytes_release(&forms->ends[forms->next]);
		forms->ends[forms->next] = (struct bytes){mem_dup(end, len), len};
		forms->next = (forms->next + 1) % FORMS_MAX;
	}
	pthread_mutex_unlock(&forms->lock);
}

bool payload_forms_write(struct payload_forms *forms, size_t number, const char *docker_reference,
	const struct digest *digest, struct str *out)
{
	if (number >= FORMS_MAX)
		return false;
	pthread_mutex_lock(&forms->lock);
	const struct bytes *end = &forms->ends[number];
	bool found = end->len > 0;
	if (found) {
		payload_write_begin(docker_reference, digest, out);
		str_add(out, end->data, end->len);
	}
	pthread_mutex_unlock(&forms->lock);
	return found;
}
