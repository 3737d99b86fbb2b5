/*
 * The program around tests/fakes/sigstore.h, for integration tests and the demo: writes into a
 * directory what clients need, then serves until its input (if asked) or a signal ends it.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/enc.h"
#include "base/fs.h"
#include "base/vec.h"
#include "image/digest.h"
#include "tests/fakes/sigstore.h"
#include "tests/fakes/tuf_repository.h"

static const char usage[] =
	"usage: cip-fake-sigstore --directory DIR [OPTION...]\n"
	"Serves an OpenID Connect issuer, Fulcio, Rekor v1 and v2, a timestamp authority and the\n"
	"TUF repository with their trust root on 127.0.0.1 until SIGTERM. Writes into DIR:\n"
	"  trusted_root.json, signing_config.json (Rekor v1), signing_config_rekor_v2.json,\n"
	"  endpoints (OIDC_URL=... FULCIO_URL=... REKOR_URL=... REKOR2_URL=... TSA_URL=...\n"
	"  TUF_URL=...), root.json (where trust in that repository begins),\n"
	"  token (an identity token), requests.log (SERVICE METHOD TARGET STATUS).\n"
	"Prints \"ready\" when they are there.\n"
	"  --until-eof        end with standard input, so as not to outlive a test that failed\n"
	"  --email ADDRESS    of the token [" FAKE_EMAIL "]\n"
	"  --subject TEXT     of the token\n"
	"  --lifetime S       of the token [600]; negative: it has expired\n"
	"  --fault RULE       see tests/fakes/sigstore.h; may be given several times. Later:\n"
	"                     POST a rule to /admin/faults of any service, DELETE forgets all\n"
	"  --rekor2-wait MS   between checkpoints of Rekor v2 [0]\n"
	"  --without-ct       no SCTs, and no such log in the trusted root\n"
	"  --static-ct        SCTs as Static CT logs make them\n";

struct arguments {
	const char *directory;
	struct fake_claims claims;
	struct fake_sigstore_options options;
	bool until_eof;
	VEC(const char *) faults;
};

static void usage_exit(void)
{
	fputs(usage, stderr);
	exit(2);
}

static bool take(int option, struct arguments *arguments)
{
	uint64_t number = 0;

	switch (option) {
	case 'd':
		arguments->directory = optarg;
		return true;
	case 'e':
		arguments->claims.email = optarg;
		return true;
	case 's':
		arguments->claims.subject = optarg;
		return true;
	case 'l':
		arguments->claims.lifetime_s = strtoll(optarg, NULL, 10);
		return arguments->claims.lifetime_s != 0;
	case 'f':
		*vec_push(&arguments->faults) = optarg;
		return true;
	case 'w':
		arguments->options.rekor2_wait_ms = 0;
		if (!number_parse(optarg, 60000, &number))
			return false;
		arguments->options.rekor2_wait_ms = (unsigned)number;
		return true;
	case 'u':
		arguments->until_eof = true;
		return true;
	case 'c':
		arguments->options.without_ct = true;
		return true;
	case 't':
		arguments->options.static_ct = true;
		return true;
	default:
		return false;
	}
}

static void read_arguments(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {
		{"directory", required_argument, NULL, 'd'},
		{"until-eof", no_argument, NULL, 'u'},
		{"email", required_argument, NULL, 'e'},
		{"subject", required_argument, NULL, 's'},
		{"lifetime", required_argument, NULL, 'l'},
		{"fault", required_argument, NULL, 'f'},
		{"rekor2-wait", required_argument, NULL, 'w'},
		{"without-ct", no_argument, NULL, 'c'},
		{"static-ct", no_argument, NULL, 't'},
		{0},
	};
	int found;

	while ((found = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take(found, arguments))
			usage_exit();
	if (optind != argc || !arguments->directory)
		usage_exit();
}

/* Takes the text. */
static void save(const char *directory, const char *name, char *text)
{
	CLEANUP(mem_freep) char *path = fs_join(directory, name);
	CLEANUP(err_freep) struct err *err = NULL;

	if (!fs_write_atomic(path, text, strlen(text), 0600, &err)) {
		fprintf(stderr, "cip-fake-sigstore: %s\n", err->msg);
		exit(1);
	}
	mem_free(text);
}

/* Takes the text. *ret_entry, fresh: the target in metadata. */
static char *publish(struct tuf_repository *tuf, const char *name, char *text)
{
	size_t len = strlen(text);
	struct digest digest = digest_of(DIGEST_SHA256, text, len);
	char digits[DIGEST_TEXT_SIZE];
	const char *hex = strchr(digest_format(&digest, digits), ':') + 1;
	CLEANUP(mem_freep) char *path = mem_printf("/metadata/targets/%s.%s", hex, name);

	tuf_publish_file(tuf, path, text);
	mem_free(text);
	return mem_printf("\"%s\":{\"hashes\":{\"sha256\":\"%s\"},\"length\":%zu}", name, hex, len);
}

static void publish_all(struct tuf_repository *tuf, const struct fake_sigstore *fake)
{
	CLEANUP(mem_freep)
	char *root = publish(tuf, "trusted_root.json", fake_sigstore_trusted_root(fake));
	CLEANUP(mem_freep)
	char *config =
		publish(tuf, "signing_config.v0.2.json", fake_sigstore_signing_config(fake, false));
	CLEANUP(mem_freep) char *targets = mem_printf("%s,%s", config, root);

	tuf_publish_root(tuf, 1);
	tuf_publish_timestamp(tuf, 1, 1);
	tuf_publish_snapshot(tuf, 1, "\"targets.json\":{\"version\":1}");
	tuf_publish_targets(tuf, "targets", 3, 1, targets, "");
}

static void save_all(const struct fake_sigstore *fake, struct tuf_repository *tuf,
	const struct arguments *arguments)
{
	const char *directory = arguments->directory;

	save(directory, "trusted_root.json", fake_sigstore_trusted_root(fake));
	save(directory, "signing_config.json", fake_sigstore_signing_config(fake, false));
	save(directory, "signing_config_rekor_v2.json", fake_sigstore_signing_config(fake, true));
	save(directory, "root.json", tuf_published(tuf, "/metadata/1.root.json"));
	save(directory, "token", fake_sigstore_token(fake, &arguments->claims));
	save(directory, "endpoints",
		mem_printf("OIDC_URL=%s\nFULCIO_URL=%s\nREKOR_URL=%s\nREKOR2_URL=%s\nTSA_URL=%s\n"
			   "TUF_URL=%s\n",
			fake_sigstore_url(fake, FAKE_OIDC), fake_sigstore_url(fake, FAKE_FULCIO),
			fake_sigstore_url(fake, FAKE_REKOR1), fake_sigstore_url(fake, FAKE_REKOR2),
			fake_sigstore_url(fake, FAKE_TSA), tuf->metadata_url));
}

static void await_end(bool until_eof)
{
	char byte;

	while (!until_eof || read(STDIN_FILENO, &byte, 1) > 0)
		if (!until_eof)
			pause();
}

int main(int argc, char **argv)
{
	struct arguments arguments = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	struct tuf_repository tuf;

	read_arguments(argc, argv, &arguments);
	if (!fs_make_directories(arguments.directory, &err)) {
		fprintf(stderr, "cip-fake-sigstore: %s\n", err->msg);
		return 1;
	}
	CLEANUP(mem_freep) char *log = fs_join(arguments.directory, "requests.log");
	arguments.options.request_log = log;
	struct fake_sigstore *fake = fake_sigstore_start(&arguments.options);
	for (size_t i = 0; i < arguments.faults.len; i++) {
		if (!fake_sigstore_fault(fake, arguments.faults.items[i]))
			usage_exit();
	}
	tuf_repository_open(&tuf);
	publish_all(&tuf, fake);
	save_all(fake, &tuf, &arguments);
	printf("ready\n");
	fflush(stdout);
	await_end(arguments.until_eof);
	tuf_repository_close(&tuf);
	fake_sigstore_stop(fake);
	vec_release(&arguments.faults);
	return 0;
}
