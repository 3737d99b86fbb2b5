/* tags/list: plain with or without pages, and Google's extension. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/enc.h"
#include "tests/fakes/registry/fake.h"
#include "tests/fakes/registry/store.h"

static void add_tags(struct str *out, const struct listed *listed, size_t first, size_t count)
{
	str_add_text(out, "\"tags\":[");
	for (size_t i = 0; i < count; i++)
		str_addf(out, "%s\"%s\"", i ? "," : "", listed->tags.items[first + i].name);
	str_add_char(out, ']');
}

static void add_google(struct str *out, const struct listed *listed)
{
	str_add_text(out, "\"child\":[],\"manifest\":{");
	for (size_t m = 0; m < listed->manifests.len; m++) {
		const struct content *content = listed->manifests.items[m];
		bool some = false;
		str_addf(out,
			"%s\"%s\":{\"imageSizeBytes\":\"%zu\",\"layerId\":\"\",\"mediaType\":\"%"
			"s\",\"tag\":[",
			m ? "," : "", content->text, content->len, content->media_type);
		for (size_t t = 0; t < listed->tags.len; t++) {
			if (listed->tags.items[t].digest != content->text)
				continue;
			str_addf(out, "%s\"%s\"", some ? "," : "", listed->tags.items[t].name);
			some = true;
		}
		str_add_text(out, "],\"timeCreatedMs\":\"0\",\"timeUploadedMs\":\"0\"}");
	}
	str_add_text(out, "},");
}

/* The tags behind `last`, at most a page of them. */
static void choose_page(const struct fake_request *request, const struct listed *listed,
	size_t *ret_first, size_t *ret_count)
{
	CLEANUP(mem_freep) char *last = query_value(request->query, "last");
	size_t first = 0;
	if (fake_options.page_size && last)
		while (first < listed->tags.len &&
			strcmp(listed->tags.items[first].name, last) <= 0)
			first++;
	size_t count = listed->tags.len - first;
	if (fake_options.page_size && count > fake_options.page_size)
		count = fake_options.page_size;
	*ret_first = first;
	*ret_count = count;
}

/* The forms of distribution, ECR, olareg, older Quay, and what RFC 8288 permits besides. */
static void add_link(const struct fake_request *request, const char *repository, const char *last,
	struct fake_response *response)
{
	const char *form = fake_options.link ? fake_options.link : "relative";
	CLEANUP(mem_freep)
	char *path = mem_printf(
		"/v2/%s/tags/list?n=%u&last=%s", repository, fake_options.page_size, last);
	struct str *out = &response->headers;
	if (strcmp(form, "absolute") == 0)
		str_addf(out, "Link: <http://%s%s&opaque=%%2Ba,b;c>; rel=\"next\"\r\n",
			request->host, path);
	else if (strcmp(form, "plain") == 0)
		str_addf(out, "link: <%s>;rel=next\r\n", path);
	else if (strcmp(form, "query") == 0)
		str_addf(out, "Link: <?next_page=1&last=%s>; rel=\"next\"\r\n", last);
	else if (strcmp(form, "several") == 0)
		str_addf(out,
			"Link: </x>; rel=\"first\", <%s>; title=\"a, <b>\"; rel=\"prev next\"\r\n",
			path);
	else if (strcmp(form, "repeated") == 0)
		str_addf(out, "Link: </x>; rel=\"prev\"\r\nLink: <%s>; rel=\"next\"\r\n", path);
	else
		str_addf(out, "Link: <%s>; rel=\"next\"\r\n", path);
}

static void respond_list(const struct fake_request *request, const char *repository,
	const struct listed *listed, struct fake_response *response)
{
	size_t first, count;
	choose_page(request, listed, &first, &count);
	response->status = 200;
	str_add_text(&response->headers, "Content-Type: application/json\r\n");
	if (first + count < listed->tags.len)
		add_link(request, repository, listed->tags.items[first + count - 1].name, response);
	str_addf(&response->text, "{\"name\":\"%s\",", repository);
	if (fake_options.google)
		add_google(&response->text, listed);
	add_tags(&response->text, listed, first, count);
	str_add_char(&response->text, '}');
}

void handle_tags(
	const struct fake_request *request, const char *repository, struct fake_response *response)
{
	struct listed listed;
	CLEANUP(mem_freep) char *n = query_value(request->query, "n");
	store_list(repository, &listed);
	if (n && fake_options.no_page_size && !strstr(request->query, "last="))
		respond_error(response, 400, "PAGINATION_NUMBER_INVALID",
			"invalid number of results requested");
	else if (strcmp(request->method, "GET") != 0)
		respond_error(response, 405, "UNSUPPORTED", "The operation is unsupported.");
	else if (listed.tags.len == 0 && !(fake_options.google && listed.manifests.len > 0))
		respond_error(
			response, 404, "NAME_UNKNOWN", "repository name not known to registry");
	else
		respond_list(request, repository, &listed, response);
	listed_release(&listed);
}
