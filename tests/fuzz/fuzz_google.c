/* Files of Google's credentials, and what its servers and subject token servers answer. */
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "registry/auth_google_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_file(const char *text, size_t len)
{
	struct google_file file = {0};
	if (!google_file_parse(text, len, &file, NULL))
		return;
	const struct google_file *source = file.source ? file.source : &file;
	if (!google_url_takes_secrets(source->token_url) ||
		(*file.impersonation_url && !google_url_takes_secrets(file.impersonation_url)))
		__builtin_trap();
	google_file_release(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	char *token;
	check_file(text, size);
	if (google_answer_parse(text, size, "accessToken", &token, NULL))
		mem_free_secret_string(token);
	if (google_subject_parse(text, size, "", &token, NULL))
		mem_free_secret_string(token);
	if (google_subject_parse(text, size, "value", &token, NULL))
		mem_free_secret_string(token);
	return 0;
}
