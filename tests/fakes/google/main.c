/*
 * The program around tests/fakes/google_api.h, for integration tests. Writes files of credentials
 * that lead to itself into a directory, then serves.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "tests/fakes/google_api.h"

static const char usage[] =
	"usage: google-api DIR\n"
	"Writes DIR/key.json, user.json, federated.json (subject token from a URL), subject.json\n"
	"(from DIR/subject), impersonated.json; appends to DIR/issued (TOKEN r|w) and\n"
	"DIR/access.log; prints its port.\n";

static void save(const char *directory, const char *name, char *text)
{
	CLEANUP(mem_freep) char *path = fs_join(directory, name);
	if (!fs_write_atomic(path, text, strlen(text), 0600, NULL)) {
		fprintf(stderr, "google-api: cannot write %s\n", path);
		_exit(1);
	}
	mem_free(text);
}

static void save_all(const struct google_api *api, const char *directory, const char *server)
{
	CLEANUP(mem_freep)
	char *url =
		mem_printf("\"url\":\"%s/subject\",\"headers\":{"
			   "\"Authorization\":\"bearer " GOOGLE_API_HEADER_SECRET "\"},\"format\":{"
			   "\"type\":\"json\",\"subject_token_field_name\":\"value\"}",
			server);
	CLEANUP(mem_freep) char *subject = fs_join(directory, "subject");
	CLEANUP(mem_freep) char *file = mem_printf("\"file\":\"%s\"", subject);
	CLEANUP(mem_freep) char *user = google_api_authorized_user(server);
	save(directory, "key.json", google_api_service_account(api, server));
	save(directory, "user.json", mem_strdup(user));
	save(directory, "federated.json", google_api_external_account(server, url, "deploy@p"));
	save(directory, "subject.json", google_api_external_account(server, file, NULL));
	save(directory, "subject", mem_strdup(GOOGLE_API_SUBJECT_TOKEN "\n"));
	save(directory, "impersonated.json", google_api_impersonated(server, user, "deploy@p"));
}

int main(int argc, char **argv)
{
	struct google_api api;
	if (argc != 2) {
		fputs(usage, stderr);
		return 1;
	}
	google_api_init(&api);
	api.issued_file = fs_join(argv[1], "issued");
	api.access_log = fs_join(argv[1], "access.log");
	struct tiny_server *server = tiny_server_new(google_api_handle, &api);
	save_all(&api, argv[1], tiny_server_url(server));
	printf("%u\n", tiny_server_port(server));
	fflush(stdout);
	for (;;)
		pause();
}
