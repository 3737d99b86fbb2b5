/*
 * libgit2's smart protocol over one of our wires: its subtransport is a thin skin whose bytes come
 * from there, so time-outs, credentials and certificates are the wire's matter. Knows the bounds
 * that libgit2 does not set itself; does not touch the mirror's refs.
 */
#include "reconciler/source_git_remote.h"

#include <git2.h>
/* Newer versions declare git_error_set_str here. */
#if __has_include(<git2/sys/errors.h>)
#include <git2/sys/errors.h>
#endif
#include <git2/sys/transport.h>
#include <string.h>

#include "base/log.h"
#include "reconciler/source_git_library.h"

/* Refs and acknowledgements stay in libgit2's memory. */
#define TALK_MAX ((uint64_t)64 << 20)
#define PACK_MAX ((uint64_t)4 << 30)

/* Payload of every callback of one fetch. */
struct fetch {
	struct source_git_wire *wire;
	const struct source_git_deadline *deadline;
	git_smart_subtransport_definition definition;
	uint64_t received;
	bool pack_began;
	struct err *failure; /* what libgit2 was told as "failed" */
};

struct subtransport {
	git_smart_subtransport parent;
	git_smart_subtransport_stream stream; /* the only one; subtransport owns it */
	struct fetch *fetch;
};

static void fetch_release(struct fetch *fetch)
{
	err_free(fetch->failure);
}

static void remote_freep(git_remote **remote)
{
	git_remote_free(*remote);
}

static void repository_freep(git_repository **repository)
{
	git_repository_free(*repository);
}

/* For libgit2's ears; the reason waits in fetch->failure. */
static int failed(struct fetch *fetch, struct err **err)
{
	err_keep_first(&fetch->failure, err);
	git_error_set_str(GIT_ERROR_CALLBACK, "the transport failed");
	return GIT_EUSER;
}

static int stream_read(
	git_smart_subtransport_stream *stream, char *bytes, size_t max, size_t *ret_len)
{
	struct fetch *fetch = ((struct subtransport *)stream->subtransport)->fetch;
	CLEANUP(err_freep) struct err *err = NULL;
	size_t len = 0;

	if (!source_git_deadline_check(fetch->deadline, &err) ||
		!fetch->wire->read(fetch->wire->ctx, bytes, max, &len, &err))
		return failed(fetch, &err);
	fetch->received += len;
	if (!fetch->pack_began && fetch->received > TALK_MAX) {
		err_set(&err, ERR_TOO_LARGE,
			"the server sent more than %d MiB of refs and acknowledgements",
			(int)(TALK_MAX >> 20));
		return failed(fetch, &err);
	}
	*ret_len = len;
	return 0;
}

static int stream_write(git_smart_subtransport_stream *stream, const char *bytes, size_t len)
{
	struct fetch *fetch = ((struct subtransport *)stream->subtransport)->fetch;
	CLEANUP(err_freep) struct err *err = NULL;

	if (!source_git_deadline_check(fetch->deadline, &err) ||
		!fetch->wire->write(fetch->wire->ctx, bytes, len, &err))
		return failed(fetch, &err);
	return 0;
}

static void stream_free(git_smart_subtransport_stream *stream)
{
	(void)stream;
}

static int subtransport_action(git_smart_subtransport_stream **ret_stream,
	git_smart_subtransport *transport, const char *url, git_smart_service_t action)
{
	struct subtransport *subtransport = (struct subtransport *)transport;
	struct fetch *fetch = subtransport->fetch;
	CLEANUP(err_freep) struct err *err = NULL;
	bool advertise = action == GIT_SERVICE_UPLOADPACK_LS;

	(void)url;
	if (!advertise && action != GIT_SERVICE_UPLOADPACK) {
		err_set(&err, ERR_INTERNAL, "pushing is nothing we do");
		return failed(fetch, &err);
	}
	if (!source_git_deadline_check(fetch->deadline, &err) ||
		!fetch->wire->begin(fetch->wire->ctx,
			advertise ? SOURCE_GIT_ADVERTISE : SOURCE_GIT_NEGOTIATE, &err))
		return failed(fetch, &err);
	*ret_stream = &subtransport->stream;
	return 0;
}

static int subtransport_close(git_smart_subtransport *transport)
{
	(void)transport;
	return 0;
}

static void subtransport_free(git_smart_subtransport *transport)
{
	mem_free(transport);
}

static int make_subtransport(
	git_smart_subtransport **ret_transport, git_transport *owner, void *payload)
{
	struct subtransport *subtransport = mem_new(1, sizeof(*subtransport));

	(void)owner;
	subtransport->parent = (git_smart_subtransport){
		.action = subtransport_action,
		.close = subtransport_close,
		.free = subtransport_free,
	};
	subtransport->stream = (git_smart_subtransport_stream){
		.subtransport = &subtransport->parent,
		.read = stream_read,
		.write = stream_write,
		.free = stream_free,
	};
	subtransport->fetch = payload;
	*ret_transport = &subtransport->parent;
	return 0;
}

static int make_transport(git_transport **ret_transport, git_remote *owner, void *payload)
{
	struct fetch *fetch = payload;

	fetch->definition = (git_smart_subtransport_definition){
		.callback = make_subtransport,
		.rpc = fetch->wire->stateless,
		.param = fetch,
	};
	return git_transport_smart(ret_transport, owner, &fetch->definition);
}

static int on_progress(const git_indexer_progress *progress, void *payload)
{
	struct fetch *fetch = payload;
	CLEANUP(err_freep) struct err *err = NULL;

	fetch->pack_began = true;
	if (!source_git_deadline_check(fetch->deadline, &err))
		return failed(fetch, &err);
	if (progress->received_bytes <= PACK_MAX)
		return 0;
	err_set(&err, ERR_TOO_LARGE, "the server sent more than %d GiB", (int)(PACK_MAX >> 30));
	return failed(fetch, &err);
}

/* Turns the failure of a libgit2 function of the fetch into one error. */
static bool fetch_error(struct fetch *fetch, int code, struct err **err)
{
	const git_error *last = git_error_last();

	if (fetch->failure) {
		err_keep_first(err, &fetch->failure);
		return false;
	}
	if (!last || last->klass != GIT_ERROR_NET)
		return source_git_library_error(err, "cannot store what was fetched");
	if (code == GIT_EEOF)
		return err_set(err, ERR_TRANSIENT, "the server ended the exchange too early");
	return err_set(err, ERR_INVALID, "%s (not a Git repository?)", last->message);
}

static bool add_ref(struct source_git_refs *refs, const git_remote_head *head, struct err **err)
{
	char id[SOURCE_GIT_ID_SIZE];
	int valid = 0;

	/* The "^{}" of peeled tags is no valid name either; tags are peeled by looking at them. */
	if (git_reference_name_is_valid(&valid, head->name) != 0 || !valid)
		return true;
	git_oid_tostr(id, sizeof(id), &head->oid);
	return source_git_refs_add(refs, head->name, id, head->symref_target, err);
}

static bool read_refs(git_remote *remote, struct source_git_refs *refs, struct err **err)
{
	const git_remote_head **heads = NULL;
	size_t count = 0;

	if (git_remote_ls(&heads, &count, remote) < 0)
		return source_git_library_error(err, "cannot list the server's refs");
	for (size_t i = 0; i < count; i++)
		if (!add_ref(refs, heads[i], err))
			return false;
	source_git_refs_sort(refs);
	if (!refs->list.len)
		return err_set(err, ERR_INVALID,
			"the repository is empty: it has neither branches nor tags");
	return true;
}

static bool connect_remote(git_remote *remote, struct fetch *fetch,
	const git_remote_callbacks *callbacks, struct err **err)
{
	git_remote_connect_options options;
	int code;

	git_remote_connect_options_init(&options, GIT_REMOTE_CONNECT_OPTIONS_VERSION);
	options.callbacks = *callbacks;
	code = git_remote_connect_ext(remote, GIT_DIRECTION_FETCH, &options);
	return code == 0 || fetch_error(fetch, code, err);
}

static bool download(git_remote *remote, struct fetch *fetch, const git_remote_callbacks *callbacks,
	struct err **err)
{
	static char heads[] = "+refs/heads/*:refs/heads/*";
	static char tags[] = "+refs/tags/*:refs/tags/*";
	char *list[] = {heads, tags};
	const git_strarray refspecs = {.strings = list, .count = 2};
	git_fetch_options options;
	int code;

	git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
	options.callbacks = *callbacks;
	options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	options.update_fetchhead = 0;
	code = git_remote_download(remote, &refspecs, &options);
	if (code != 0)
		return fetch_error(fetch, code, err);

	const git_indexer_progress *stats = git_remote_stats(remote);
	log_debug("fetched %u objects, %zu bytes", stats->received_objects, stats->received_bytes);
	return true;
}

bool source_git_remote_fetch(const char *mirror, const char *url, struct source_git_wire *wire,
	const struct source_git_deadline *deadline, struct source_git_refs *ret_refs,
	bool *ret_began, struct err **err)
{
	CLEANUP(fetch_release) struct fetch fetch = {.wire = wire, .deadline = deadline};
	CLEANUP(source_git_refs_release) struct source_git_refs refs = {0};
	CLEANUP(repository_freep) git_repository *repository = NULL;
	CLEANUP(remote_freep) git_remote *remote = NULL;
	git_remote_create_options create;
	git_remote_callbacks callbacks;

	*ret_began = false;
	if (git_repository_open_bare(&repository, mirror) < 0)
		return source_git_library_error(err, "cannot open the mirror");
	git_remote_create_options_init(&create, GIT_REMOTE_CREATE_OPTIONS_VERSION);
	create.repository = repository;
	create.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC;
	if (git_remote_create_with_opts(&remote, url, &create) < 0)
		return source_git_library_error(err, "cannot use the URL");
	git_remote_init_callbacks(&callbacks, GIT_REMOTE_CALLBACKS_VERSION);
	callbacks.transport = make_transport;
	callbacks.transfer_progress = on_progress;
	callbacks.payload = &fetch;
	if (!connect_remote(remote, &fetch, &callbacks, err))
		return false;
	*ret_began = true;
	if (!read_refs(remote, &refs, err) || !download(remote, &fetch, &callbacks, err))
		return false;
	*ret_refs = refs;
	memset(&refs, 0, sizeof(refs));
	return true;
}
