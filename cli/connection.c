/* What has to be started before a request can be made, and ended in the other order. */
#include "cli/connection.h"

#include "cip_version.h"

#define GRACE_MS 1000

bool connection_open(struct connection *connection, int64_t first_byte_timeout_ms, struct err **err)
{
	struct http_options options = {
		.user_agent = "cip/" CIP_VERSION, .first_byte_timeout_ms = first_byte_timeout_ms};

	connection->cancel = options.cancel = cancel_new();
	connection->signals = signals_start(connection->cancel, GRACE_MS);
	connection->http = http_new(&options, err);
	return connection->http != NULL;
}

void connection_release(struct connection *connection)
{
	http_free(connection->http);
	if (connection->signals)
		signals_stop(connection->signals);
	cancel_free(connection->cancel);
}
