/*
 * JWT-SVIDs of SPIFFE. A file that holds one is read; who has only the socket of the Workload API is
 * told how to get a file from it, since that API is gRPC, which cip does not speak.
 */
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "signer/id_token_private.h"

#define FILE_VARIABLE "SPIFFE_JWT_SVID_FILE"
#define SOCKET_VARIABLE "SPIFFE_ENDPOINT_SOCKET"
#define SOCKET "/tmp/spire-agent/public/api.sock"

static bool socket_is_there(void)
{
	return id_token_variable(SOCKET_VARIABLE) || access(SOCKET, F_OK) == 0;
}

static bool spiffe_find(const struct id_token_setting *setting, bool *ret_there, struct err **err)
{
	(void)setting;
	(void)err;
	*ret_there = id_token_variable(FILE_VARIABLE) || socket_is_there();
	return true;
}

static bool spiffe_fetch(const struct id_token_setting *setting, struct str *out, struct err **err)
{
	const char *path = id_token_variable(FILE_VARIABLE);

	(void)setting;
	if (!path)
		return err_set(err, ERR_UNSUPPORTED,
			"cip does not ask the Workload API itself: let spiffe-helper keep a "
			"JWT-SVID for the audience " ID_TOKEN_AUDIENCE
			" in a file, and name that in the variable " FILE_VARIABLE
			" or with --identity-token");
	return fs_read_file(path, out, err);
}

const struct id_token_provider id_token_spiffe = {
	.name = "spiffe",
	.needs = FILE_VARIABLE,
	.is_file = true,
	.find = spiffe_find,
	.fetch = spiffe_fetch,
};
