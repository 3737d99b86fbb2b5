/*
 * The files of signer/data as the assembler takes them in, byte for byte: no generated source, no tool
 * but the compiler. Reading them is for others.
 */
#include "signer/built_in.h"

/* From CMake; else for tools that look at this file alone, from the root of the tree. */
#ifndef CIP_DATA_DIR
#define CIP_DATA_DIR "signer/data"
#endif

#define EMBED(symbol, file)                                                                        \
	__asm__(".pushsection .rodata\n" #symbol "_begin:\n.incbin \"" CIP_DATA_DIR "/" file       \
		"\"\n" #symbol "_end:\n.byte 0\n.popsection\n");                                   \
	extern const char symbol##_begin[] __attribute__((visibility("hidden")));                  \
	extern const char symbol##_end[] __attribute__((visibility("hidden")))

EMBED(cip_root, "public-good-root.json");
EMBED(cip_staging_root, "staging-root.json");
EMBED(cip_trusted_root, "public-good-trusted_root.json");
EMBED(cip_signing_config, "public-good-signing_config.v0.2.json");

struct built_in_file built_in_file(enum built_in which)
{
	const char *begin, *end;

	switch (which) {
	case BUILT_IN_ROOT:
		begin = cip_root_begin, end = cip_root_end;
		break;
	case BUILT_IN_STAGING_ROOT:
		begin = cip_staging_root_begin, end = cip_staging_root_end;
		break;
	case BUILT_IN_TRUSTED_ROOT:
		begin = cip_trusted_root_begin, end = cip_trusted_root_end;
		break;
	case BUILT_IN_SIGNING_CONFIG:
	default:
		begin = cip_signing_config_begin, end = cip_signing_config_end;
		break;
	}
	return (struct built_in_file){begin, (size_t)(end - begin)};
}
