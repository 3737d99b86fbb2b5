/*
 * The floor of a server and a machine: sends a given list of requests with a bare curl_multi loop, a
 * number of them in flight, and does nothing else. What a program needs beyond this is its own.
 *
 * Standard input has a job a line, `METHOD URL METHOD URL then METHOD URL ...`: the requests up to a
 * `then` go out together, those after it when they have been answered; a PUT sends what the job's
 * GET received. An empty line waits for all jobs before it.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/str.h"
#include "base/vec.h"

enum { BODY_MAX = 4 << 20, IN_FLIGHT_MAX = 1000 };

static const char usage[] = "usage: bench-floor IN-FLIGHT <JOBS\n";

struct job {
	char *text;  /* what is left of the line; its words have been cut */
	size_t open; /* requests in flight or ready */
	struct str body;
	char *type;
};

struct transfer {
	CURL *easy;
	struct job *job;
	struct curl_slist *headers;
	bool is_get;
};

struct ready {
	struct job *job;
	const char *method, *url;
};

struct floor {
	CURLM *multi;
	VEC(struct ready) ready; /* taken from the end: jobs that have begun go first */
	VEC(struct transfer *) idle;
	size_t running;
	unsigned long requests;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench-floor: %s: %s\n", what, why);
	exit(1);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
	struct transfer *transfer = ctx;
	if (transfer->is_get && !str_add(&transfer->job->body, bytes, size * count))
		return 0;
	return size * count;
}

/* The requests of a job up to its next `then`. */
static void make_ready(struct floor *floor, struct job *job)
{
	char *method;
	while ((method = strsep(&job->text, " ")) && strcmp(method, "then") != 0) {
		char *url = strsep(&job->text, " ");
		if (!url)
			die(method, "a method without a URL");
		*vec_push(&floor->ready) = (struct ready){job, method, url};
		job->open++;
	}
}

static struct transfer *transfer_take(struct floor *floor)
{
	if (floor->idle.len)
		return floor->idle.items[--floor->idle.len];
	struct transfer *transfer = mem_new(1, sizeof(*transfer));
	transfer->easy = curl_easy_init();
	if (!transfer->easy)
		die("curl_easy_init", "failed");
	return transfer;
}

static void set_body(struct transfer *transfer, const char *bytes, size_t len)
{
	curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, bytes);
}

static void add_header(struct transfer *transfer, const char *text)
{
	transfer->headers = curl_slist_append(transfer->headers, text);
}

static void start(struct floor *floor, const struct ready *what)
{
	struct transfer *transfer = transfer_take(floor);
	CURL *easy = transfer->easy;
	transfer->job = what->job;
	transfer->is_get = strcmp(what->method, "GET") == 0;
	curl_easy_reset(easy);
	curl_easy_setopt(easy, CURLOPT_URL, what->url);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "bench-floor");
	if (strcmp(what->method, "HEAD") == 0)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else if (!transfer->is_get)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, what->method);
	if (strcmp(what->method, "POST") == 0) {
		set_body(transfer, "", 0);
	} else if (strcmp(what->method, "PUT") == 0) {
		CLEANUP(mem_freep)
		char *type = mem_printf("Content-Type: %s",
			what->job->type ? what->job->type : "application/octet-stream");
		add_header(transfer, type);
		set_body(transfer, str_text(&what->job->body), what->job->body.len);
	} else if (strstr(what->url, "/manifests/")) {
		add_header(transfer,
			"Accept: application/vnd.oci.image.manifest.v1+json, "
			"application/vnd.oci.image.index.v1+json");
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
	curl_multi_add_handle(floor->multi, easy);
	floor->running++;
	floor->requests++;
}

static void job_free(struct job *job)
{
	str_release(&job->body);
	mem_free(job->type);
	mem_free(job);
}

static void finish(struct floor *floor, CURL *easy, CURLcode result)
{
	struct transfer *transfer = NULL;
	const char *url = "", *type = NULL;
	long status = 0;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
	curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
	if (result != CURLE_OK)
		die(url, curl_easy_strerror(result));
	/* A destination that is still empty has no list. */
	if (status / 100 != 2 && status != 404)
		die(url, "refused");

	struct job *job = transfer->job;
	if (transfer->is_get && type) {
		mem_free(job->type);
		job->type = mem_strdup(type);
	}
	curl_multi_remove_handle(floor->multi, easy);
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	*vec_push(&floor->idle) = transfer;
	floor->running--;
	if (--job->open > 0)
		return;
	make_ready(floor, job);
	if (job->open == 0)
		job_free(job);
}

static void run(struct floor *floor, size_t in_flight)
{
	while (floor->ready.len || floor->running) {
		CURLMsg *message;
		int left, running;
		while (floor->ready.len && floor->running < in_flight)
			start(floor, &floor->ready.items[--floor->ready.len]);
		if (curl_multi_perform(floor->multi, &running) != CURLM_OK)
			die("curl_multi_perform", "failed");
		while ((message = curl_multi_info_read(floor->multi, &left)))
			if (message->msg == CURLMSG_DONE)
				finish(floor, message->easy_handle, message->data.result);
		/* Nothing to wait for while something can be sent. */
		if (running && (floor->running >= in_flight || !floor->ready.len))
			curl_multi_poll(floor->multi, NULL, 0, 1000, NULL);
	}
}

/* Reads jobs up to an empty line; false at the end. The lines live as long as the program. */
static bool read_round(struct floor *floor)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t len;
	while ((len = getline(&line, &capacity, stdin)) > 1) {
		struct job *job = mem_new(1, sizeof(*job));
		str_init(&job->body, BODY_MAX);
		job->text = mem_strndup(line, (size_t)len - (line[len - 1] == '\n'));
		make_ready(floor, job);
	}
	mem_free(line);
	return len > 0;
}

int main(int argc, char **argv)
{
	struct floor floor = {0};
	uint64_t in_flight;
	if (argc != 2 || !number_parse(argv[1], IN_FLIGHT_MAX, &in_flight) || in_flight == 0) {
		fputs(usage, stderr);
		return 2;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	floor.multi = curl_multi_init();
	if (!floor.multi)
		die("curl_multi_init", "failed");
	curl_multi_setopt(floor.multi, CURLMOPT_MAXCONNECTS, (long)in_flight);
	bool more;
	do {
		more = read_round(&floor);
		run(&floor, (size_t)in_flight);
	} while (more);
	fprintf(stderr, "%lu requests\n", floor.requests);
	return 0;
}
