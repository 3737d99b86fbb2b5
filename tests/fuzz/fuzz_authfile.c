/* Files of credentials: any bytes. A message never holds a run of what was read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "registry/credentials_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(credential_file_release) struct credential_file file = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	if (!credential_file_parse((const char *)data, size, "file", &file, &err)) {
		if (!err || err->kind != ERR_USAGE)
			abort();
		return 0;
	}
	for (size_t i = 0; i < file.entries.len; i++) {
		const struct credential_entry *entry = &file.entries.items[i];
		if (entry->kind == CREDENTIAL_ANONYMOUS || !*entry->host ||
			!credential_file_entry(&file, entry->host, entry->path))
			abort();
	}
	for (size_t i = 0; i < file.helpers.len; i++)
		if (!credential_helper_name_is_valid(file.helpers.items[i].suffix) ||
			!credential_file_helper(&file, file.helpers.items[i].host))
			abort();
	if (file.store && !credential_helper_name_is_valid(file.store))
		abort();
	return 0;
}
