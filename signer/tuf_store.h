/*
 * The directory in which trusted TUF metadata waits for the next run: one file a role, as the bytes
 * came. What is read from it is trusted no more than what a mirror sends; it is there to notice
 * rollbacks and to save requests. Files appear whole or not at all. Internal to signer/.
 */
#ifndef CIP_SIGNER_TUF_STORE_H
#define CIP_SIGNER_TUF_STORE_H

#include "base/err.h"
#include "base/str.h"

/* Percent-encodes all but letters, digits and "-._~": safe in URLs and as the name of a file. */
char *tuf_quote(const char *name);

/* Makes the directory if there is none. ERR_USAGE if others can write it, ERR_IO. */
bool tuf_store_open(const char *directory, struct err **err);

/* ERR_NOT_FOUND, ERR_TOO_LARGE (over `bytes`' maximum), ERR_IO. */
bool tuf_store_read(const char *directory, const char *role, struct str *bytes, struct err **err);

/*
 * Keeps other processes from writing until the descriptor that it returns is closed: for moments,
 * never while the network is used. -1: ERR_IO.
 */
int tuf_store_lock(const char *directory, struct err **err);

/* ERR_IO. */
bool tuf_store_write(
	const char *directory, const char *role, const void *bytes, size_t len, struct err **err);

#endif
