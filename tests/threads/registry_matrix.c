/*
 * Every request of a small promotion goes wrong in every way. After each: the right kind of error
 * or none, no wrong byte and no wrong tag at the destination, no secret at another host, no hang,
 * and a second run that completes. What is special to one request is in registry_faults.c.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/fakes/tiny_ca.h"
#include "tests/fakes/tiny_server.h"
#include "tests/threads/registry_fixture.h"

/* How long a server may be silent: in a case, and where nothing goes wrong. */
enum { THREADS = 10, SLOW_MS = 2500, PATIENT_MS = 60000, TOO_LONG_MS = 120000 };

/* ---- What is asked ---- */

/* Columns of the matrix. */
enum what {
	TOKEN,
	LIST,
	FIRST, /* manifest; also the first request with a token */
	INDEX,
	CHILD,
	BLOB,
	OPEN_FIRST,
	OPEN,
	MOUNT,
	UPLOAD,
	PUT_CHILD,
	PUT_TAG
};

/*
 * Of an image of two blobs that is streamed to another host, and of an index of one such image that
 * is mounted into another repository. Every host wants tokens.
 */
enum promotion { TO_ANOTHER_HOST, ON_ONE_HOST };

struct step {
	enum what what;
	enum promotion promotion;
	bool is_at_source;
	const char *method, *glob;
	unsigned nth;
};

static const struct step steps[] = {
	{TOKEN, TO_ANOTHER_HOST, true, "GET", "/token*", 1},
	{TOKEN, TO_ANOTHER_HOST, false, "GET", "/token*", 1},
	{LIST, TO_ANOTHER_HOST, false, "GET", "*/tags/list*", 1},
	{FIRST, TO_ANOTHER_HOST, true, "GET", "*/manifests/*", 1},
	{BLOB, TO_ANOTHER_HOST, true, "GET", "*/blobs/*", 1},
	{BLOB, TO_ANOTHER_HOST, true, "GET", "*/blobs/*", 2},
	{OPEN_FIRST, TO_ANOTHER_HOST, false, "POST", "*/blobs/uploads/*", 1},
	{OPEN, TO_ANOTHER_HOST, false, "POST", "*/blobs/uploads/*", 2},
	{UPLOAD, TO_ANOTHER_HOST, false, "PUT", "*/blobs/uploads/*", 1},
	{UPLOAD, TO_ANOTHER_HOST, false, "PUT", "*/blobs/uploads/*", 2},
	{PUT_TAG, TO_ANOTHER_HOST, false, "PUT", "*/manifests/*", 1},
	{INDEX, ON_ONE_HOST, true, "GET", "*/manifests/*", 1},
	{CHILD, ON_ONE_HOST, true, "GET", "*/manifests/*", 2},
	{MOUNT, ON_ONE_HOST, true, "POST", "*mount=*", 1},
	{MOUNT, ON_ONE_HOST, true, "POST", "*mount=*", 2},
	{PUT_CHILD, ON_ONE_HOST, true, "PUT", "*/manifests/sha256*", 1},
	{PUT_TAG, ON_ONE_HOST, true, "PUT", "*/manifests/v1", 1},
};

/* ---- What goes wrong, and how the first run ends ---- */

/*
 * One letter for each column: . it arrives all the same, A auth, D digest, I invalid, L too large,
 * N not found, O timeout, Q throttled, T transient; - leaves the case out.
 */
struct fault {
	const char *action; /* %s: the other host's URL */
	bool is_lasting;
	const char *ends;
};

#define LOOP "loop" /* of this program: a redirect to itself */
#define EXPIRED                                                                                    \
	"status 401 WWW-Authenticate: Bearer realm=\"/token\",service=\"s\",error=\"invalid_"      \
	"token\""

static const struct fault faults[] = {
	/* TOKEN LIST FIRST INDEX CHILD BLOB OPEN_FIRST OPEN MOUNT UPLOAD PUT_CHILD PUT_TAG */
	{"reset-before", false, "............"},
	{"reset-mid", false, "............"},
	{"truncate", false, "............"},
	{"stall", false, "............"},
	{"stall-mid", false, "............"},
	{"flip-bit", false, "............"},
	{"flip-bit", true, "..DDDD......"},
	{"wrong-digest-header", false, "..........DD"},
	{"wrong-digest-header", true, "..........DD"},
	{"no-digest-header", true, "............"},
	{"status 500", false, "............"},
	{"status 503", false, "............"},
	{"status 503", true, "TTTTTTTTTTTT"},
	{"status 429", false, "............"},
	{"status 429 Retry-After: 0", false, "............"},
	{"status 429 Retry-After: 3600", true, "QQQQQQQQQQQQ"},
	{EXPIRED, false, "AAA........."},
	{EXPIRED, true, "AAAAAAAA.AAA"},
	{"status 403", true, "AAAAAAAA.AAA"},
	{"status 404", false, "A.NNI......."},
	{"status 404", true, "A.NNIINN.NNN"},
	{LOOP, true, "IIIIIIIIIIII"},
	{"redirect %s/elsewhere", false, "A......IIIII"},
	{"redirect %s/elsewhere", true, "A.DDDDIIIIII"},
	{"status 202 Location: %s/elsewhere", true, "------NN----"},
	{"redirect http://169.254.169.254/latest", true, "IIIIIIIIIIII"},
	{"redirect ftp://127.0.0.1/", true, "IIIIIIIIIIII"},
	{"endless-headers", true, "LLLLLLLLLLLL"},
	{"gigabyte", true, "LLLLLDLLLLLL"},
	{"encoded", false, "II.........."},
	{"encoded", true, "IIDDDD......"},
	{"bad-json", false, "AI.........."},
	{"bad-json", true, "AIDDDD......"},
	{"header Link: <?again>; rel=\"next\"", true, ".I.........."},
	{"header Link: </v2/nowhere>; rel=\"next\"", true, ".I.........."},
};

enum { STEPS = sizeof(steps) / sizeof(steps[0]), FAULTS = sizeof(faults) / sizeof(faults[0]) };

static int expected_kind(char end)
{
	switch (end) {
	case 'A':
		return ERR_AUTH;
	case 'D':
		return ERR_DIGEST;
	case 'I':
		return ERR_INVALID;
	case 'L':
		return ERR_TOO_LARGE;
	case 'N':
		return ERR_NOT_FOUND;
	case 'O':
		return ERR_TIMEOUT;
	case 'Q':
		return ERR_THROTTLED;
	case 'T':
		return ERR_TRANSIENT;
	default:
		return -1;
	}
}

/* ---- The host that nobody may trust ---- */

static struct tiny_server *stranger;
static atomic_bool stranger_saw_secret;

static void serve_stranger(struct tiny_exchange *exchange, void *ctx)
{
	(void)ctx;
	if (tiny_header(exchange, "Authorization"))
		stranger_saw_secret = true;
	tiny_reply(exchange, 200, "Content-Type: application/json\r\n", "{\"tags\":[\"v1\"]}");
}

/* ---- One case ---- */

/* What a thread keeps for all its cases. */
struct world {
	struct fake source, other;
	char *authfile;
	unsigned cases;
};

struct scene {
	struct world *world;
	const struct step *step;
	const struct fault *fault;
	char from_path[32], to_path[32];
	struct repository from, to;
	struct digest digest;
};

static void world_open(struct world *world)
{
	*world = (struct world){0};
	fake_open(&world->source, NULL, NULL);
	fake_open(&world->other, NULL, NULL);
	world->authfile = fs_join(world->source.directory, "auth.json");
	/* user:password */
	CLEANUP(mem_freep)
	char *auth = mem_printf("{\"auths\":{\"%s\":{\"auth\":\"dXNlcjpwYXNzd29yZA==\"},"
				"\"%s\":{\"auth\":\"dXNlcjpwYXNzd29yZA==\"}}}",
		world->source.host, world->other.host);
	CHECK(fs_write_atomic(world->authfile, auth, strlen(auth), 0600, NULL));
}

static void world_close(struct world *world)
{
	fake_close(&world->source);
	fake_close(&world->other);
	mem_free(world->authfile);
}

static const struct fake *faulty(const struct scene *scene)
{
	return scene->step->is_at_source ? &scene->world->source : &scene->world->other;
}

/* A host wants a token on its first request; then comes the fault, if it is there. */
static void set_all_rules(const struct scene *scene, bool with_fault)
{
	static const char challenge[] =
		"* /v2/* 1 status 401 WWW-Authenticate: Bearer realm=\"/token\",service=\"s\"\n";
	const struct step *step = scene->step;
	const struct fake *const fakes[] = {&scene->world->source, &scene->world->other};
	const char *action = scene->fault->action;
	for (size_t i = 0; i < 2; i++) {
		CLEANUP(str_release) struct str rules = STR_INIT(STR_TEXT_MAX);
		str_add_text(&rules, challenge);
		if (with_fault && fakes[i] == faulty(scene)) {
			str_addf(&rules, "%s %s %u%s ", step->method, step->glob, step->nth,
				scene->fault->is_lasting ? "+" : "");
			const char *place = strstr(action, "%s");
			if (strcmp(action, LOOP) == 0)
				str_add_text(&rules, "redirect ?again");
			else if (place)
				str_addf(&rules, "%.*s%s%s", (int)(place - action), action,
					tiny_server_url(stranger), place + 2);
			else
				str_add_text(&rules, action);
			str_add_char(&rules, '\n');
		}
		fake_set_faults(fakes[i], str_text(&rules));
	}
}

static void open_client(const struct scene *scene, int64_t patience_ms, struct client *client)
{
	const struct http_options http_options = {
		.user_agent = "cip/test",
		.first_byte_timeout_ms = patience_ms,
		.stall_timeout_ms = patience_ms,
		.attempts = 3,
		.retry_base_ms = 1,
		.retry_max_ms = 4,
	};
	*client = (struct client){.cancel = cancel_new(), .http = http_new(&http_options, NULL)};
	CHECK(client->http);
	const struct registry_options options = {
		.http = client->http,
		.source_authfile = scene->world->authfile,
		.destination_authfile = scene->world->authfile,
	};
	client->registry = registry_new(&options, NULL);
	CHECK(client->registry);
	client->copier = copier_new(client->registry, NULL, NULL, client->cancel);
}

static void ignore_tag(void *ctx, const char *tag)
{
	(void)ctx;
	(void)tag;
}

static void ignore_manifest(void *ctx, const struct digest *digest)
{
	(void)ctx;
	(void)digest;
}

static void ignore_manifest_tag(void *ctx, const struct digest *digest, const char *tag)
{
	(void)ctx;
	(void)digest;
	(void)tag;
}

/* A look at the destination, then the copy; what the reconciler does for one image. */
static struct err *promote(const struct scene *scene, struct client *client)
{
	const struct tags_visitor visitor = {
		ignore_tag, ignore_manifest, ignore_manifest_tag, NULL};
	struct copy_tag tag = {.name = "v1"};
	struct copy_destination to = {.repository = scene->to, .tags = &tag, .tag_count = 1};
	enum tags_kind kind;
	struct err *err = NULL;
	registry_expect_promotion(client->registry, &scene->from, &scene->to);
	if (!registry_tags_list(client->registry, &scene->to, &visitor, NULL, &kind, &err) &&
		!err_is(err, ERR_NOT_FOUND))
		return err;
	err_free(steal_ptr(&err));
	to.observed_ms = now_ms();
	copy_group(client->copier, &scene->from, &scene->digest, NULL, &to, 1, &err);
	err_keep_first(&to.err, &err);
	CHECK(to.err || tag.state == COPY_TAG_WRITTEN);
	return to.err;
}

static void show(const struct scene *scene, const char *text, const struct err *err)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_lock(&lock);
	fprintf(stderr, "%s %s %u%s %s (column %d): %s%s: %s\n", scene->step->method,
		scene->step->glob, scene->step->nth, scene->fault->is_lasting ? "+" : "",
		scene->fault->action, (int)scene->step->what, text,
		err ? err_kind_name(err->kind) : "success", err ? err->msg : "");
	fake_show_log(&scene->world->source);
	fake_show_log(&scene->world->other);
	pthread_mutex_unlock(&lock);
}

static atomic_uint cases_wrong, cases_done;
static char *authorities;

static void check(bool ok, const struct scene *scene, const char *text, const struct err *err)
{
	if (ok)
		return;
	cases_wrong++;
	show(scene, text, err);
}

static void forget_logs(const struct scene *scene)
{
	fake_forget_log(&scene->world->source);
	fake_forget_log(&scene->world->other);
}

static void first_run(const struct scene *scene)
{
	struct client client;
	int wanted = expected_kind(scene->fault->ends[scene->step->what]);
	int64_t started = now_ms();
	CLEANUP(mem_freep)
	char *asked = mem_printf("%s %s * *", scene->step->method, scene->step->glob);
	set_all_rules(scene, true);
	forget_logs(scene);
	open_client(scene, SLOW_MS, &client);
	CLEANUP(err_freep) struct err *err = promote(scene, &client);
	client_close(&client);
	check((err ? (int)err->kind : -1) == wanted, scene, "ended with: ", err);
	check(now_ms() - started < TOO_LONG_MS, scene, "took too long: ", err);
	check(fake_count(faulty(scene), asked) >= scene->step->nth, scene, "was not asked: ", err);
	/* Wrong bytes are kept back here: the registry never had to refuse them. */
	check(fake_count(&scene->world->other, "PUT */blobs/* 400 *") == 0 &&
			fake_count(&scene->world->source, "PUT */blobs/* 400 *") == 0,
		scene, "sent wrong bytes: ", err);
}

/* Another process, as it were: it knows nothing of the first, and everything is well. */
static void second_run(const struct scene *scene)
{
	struct client client;
	struct digest tagged;
	struct document document = {0};
	struct err *failure = NULL;
	set_all_rules(scene, false);
	forget_logs(scene);
	open_client(scene, PATIENT_MS, &client);
	CLEANUP(err_freep) struct err *err = promote(scene, &client);
	check(!err, scene, "and the second run: ", err);
	check(registry_manifest_head(client.registry, &scene->to, "v1", NULL, &tagged, &failure) &&
			digest_equal(&tagged, &scene->digest) &&
			registry_manifest_get(client.registry, &scene->to, &scene->digest, NULL,
				&document, &failure),
		scene, "is not there: ", failure);
	err_free(failure);
	document_release(&document);
	client_close(&client);
}

static void run_case(struct world *world, const struct step *step, const struct fault *fault)
{
	struct scene scene = {.world = world, .step = step, .fault = fault};
	struct client client;
	bool is_one = step->promotion == ON_ONE_HOST;
	if (fault->ends[step->what] == '-')
		return;
	snprintf(scene.from_path, sizeof(scene.from_path), "case%u/staging", world->cases);
	snprintf(scene.to_path, sizeof(scene.to_path), "case%u/prod", world->cases++);
	scene.from = (struct repository){.host = world->source.host, .path = scene.from_path};
	scene.to = (struct repository){
		.host = is_one ? world->source.host : world->other.host, .path = scene.to_path};
	set_all_rules(&scene, false);
	open_client(&scene, PATIENT_MS, &client);
	scene.digest = push_image(&client, &scene.from, NULL, "a", 1, 100000);
	push_image(&client, &scene.to, "v0", "b", 0, 0);
	if (is_one)
		scene.digest = push_index(&client, &scene.from, NULL, &scene.digest, 1);
	client_close(&client);
	first_run(&scene);
	second_run(&scene);
	cases_done++;
}

/* The cases mostly wait, for processes and for deadlines: several at once. */
static void *run_cases(void *arg)
{
	static atomic_size_t next;
	struct world world;
	(void)arg;
	world_open(&world);
	for (size_t i; (i = next++) < (size_t)STEPS * FAULTS;)
		run_case(&world, &steps[i % STEPS], &faults[i / STEPS]);
	world_close(&world);
	return NULL;
}

/* Reading the system's authorities costs more than a case. */
static void trust_nobody(void)
{
	char file[] = "/tmp/cip-ca.XXXXXX";
	struct tiny_ca *ca = tiny_ca_new();
	int fd = mkstemp(file);
	CHECK(fd >= 0 && close(fd) == 0);
	tiny_ca_write(ca, file);
	tiny_ca_free(ca);
	authorities = mem_strdup(file);
	setenv("SSL_CERT_FILE", file, 1);
	setenv("SSL_CERT_DIR", "/nonexistent", 1);
}

int main(void)
{
	pthread_t threads[THREADS];
	trust_nobody();
	stranger = tiny_server_new(serve_stranger, NULL);
	for (size_t i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, run_cases, NULL) == 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	tiny_server_free(stranger);
	unlink(authorities);
	mem_free(authorities);
	CHECK(!stranger_saw_secret);
	CHECK(cases_done > 300);
	return cases_wrong > 0;
}
