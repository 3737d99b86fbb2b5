/*
 * Files of Google's credentials, as gcloud and the console write them. Which of their members mean
 * anything, and which URLs in them may see a secret; fetching tokens is done elsewhere.
 */
#include <jansson.h>
#include <string.h>

#include "image/reference.h"
#include "net/url.h"
#include "registry/auth_google_private.h"

#define FIELD_MAX ((size_t)64 * 1024)
#define HEADERS_MAX 16
#define DELEGATES_MAX 16
#define LIFE_MIN_S 600
#define LIFE_MAX_S (12 * 3600)
#define TOKEN_URL "https://oauth2.googleapis.com/token"

static const char with_gcloud[] =
	"use gcloud instead: docker-credential-gcloud as credential helper";

static void json_freep(json_t **value)
{
	json_decref(*value);
}

void google_file_release(struct google_file *file)
{
	char *const texts[] = {file->token_url, file->email, file->key, file->key_id,
		file->client_id, file->client_secret, file->refresh_token, file->audience,
		file->subject_type, file->subject_file, file->subject_url, file->subject_field,
		file->impersonation_url};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		mem_free_secret_string(texts[i]);
	for (size_t i = 0; i < file->headers.len; i++) {
		mem_free_secret_string(file->headers.items[i].name);
		mem_free_secret_string(file->headers.items[i].value);
	}
	vec_release(&file->headers);
	for (size_t i = 0; i < file->delegates.len; i++)
		mem_free(file->delegates.items[i]);
	vec_release(&file->delegates);
	if (file->source)
		google_file_release(file->source);
	mem_free(file->source);
	*file = (struct google_file){0};
}

/* ---- URLs and names ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);
	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

bool google_url_takes_secrets(const char *text)
{
	CLEANUP(url_release) struct url url = {0};
	if (!url_parse(text, &url, NULL))
		return false;
	if (host_is_loopback(url.host) || strcmp(url.host, "::1") == 0)
		return true;
	return url.is_https && url.port == 443 &&
		(ends_with(url.host, ".googleapis.com") ||
			strcmp(url.host, "accounts.google.com") == 0);
}

/* Whoever wrote the file named it; in plain text only what does not leave the machine or its host. */
static bool subject_url_is_usable(const char *text)
{
	CLEANUP(url_release) struct url url = {0};
	if (!url_parse(text, &url, NULL))
		return false;
	return url.is_https || host_is_loopback(url.host) || strcmp(url.host, "::1") == 0 ||
		strcmp(url.host, "169.254.169.254") == 0;
}

bool google_account_is_valid(const char *account)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	size_t name = strspn(account, plain);
	size_t domain = account[name] == '@' ? strspn(account + name + 1, plain) : 0;
	return name > 0 && domain > 0 && account[name + 1 + domain] == '\0' && name + domain < 250;
}

/* ---- Members ---- */

/* What a type reads: where to, from which member, whether it has to be there. */
struct member {
	const char *name;
	char **ret_text;
	bool is_required;
};

static bool read_members(
	const json_t *object, const struct member *members, size_t count, struct err **err)
{
	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_object_get(object, members[i].name);
		const char *text = json_string_value(value);
		if (value && !json_is_null(value) && !text)
			return err_set(err, ERR_INVALID, "\"%s\" is no text", members[i].name);
		if (members[i].is_required && (!text || !*text))
			return err_set(err, ERR_INVALID, "\"%s\" is missing", members[i].name);
		if (text && (strlen(text) > FIELD_MAX || strlen(text) != json_string_length(value)))
			return err_set(err, ERR_INVALID, "\"%s\" is not usable", members[i].name);
		*members[i].ret_text = mem_strdup(text ? text : "");
	}
	return true;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* An absent one becomes `otherwise`; NULL: it may be absent. */
static bool check_url(char **url, const char *name, const char *otherwise, struct err **err)
{
	if (!**url && otherwise) {
		mem_free_secret_string(*url);
		*url = mem_strdup(otherwise);
	}
	if (!**url || google_url_takes_secrets(*url))
		return true;
	return err_set(err, ERR_INVALID,
		"\"%s\" is no https URL of one of Google's hosts (*.googleapis.com): secrets are "
		"not sent there",
		name);
}

/* ---- Types ---- */

static bool read_service_account(const json_t *root, struct google_file *file, struct err **err)
{
	const struct member members[] = {{"client_email", &file->email, true},
		{"private_key", &file->key, true}, {"private_key_id", &file->key_id, false},
		{"token_uri", &file->token_url, false}};
	return read_members(root, members, COUNT(members), err) &&
		check_url(&file->token_url, "token_uri", TOKEN_URL, err);
}

static bool read_authorized_user(const json_t *root, struct google_file *file, struct err **err)
{
	const struct member members[] = {{"client_id", &file->client_id, true},
		{"client_secret", &file->client_secret, true},
		{"refresh_token", &file->refresh_token, true},
		{"token_uri", &file->token_url, false}};
	return read_members(root, members, COUNT(members), err) &&
		check_url(&file->token_url, "token_uri", TOKEN_URL, err);
}

static bool is_header_text(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static bool read_headers(const json_t *headers, struct google_file *file, struct err **err)
{
	const char *name;
	json_t *value;
	if (json_object_size(headers) > HEADERS_MAX)
		return err_set(err, ERR_INVALID, "more than %d headers", HEADERS_MAX);
	json_object_foreach((json_t *)(uintptr_t)headers, name, value)
	{
		const char *text = json_string_value(value);
		if (!text || !*name || strpbrk(name, ": \t\r\n") || !is_header_text(name) ||
			!is_header_text(text))
			return err_set(err, ERR_INVALID, "\"headers\" is not usable");
		*vec_push(&file->headers) =
			(struct google_header){.name = mem_strdup(name), .value = mem_strdup(text)};
	}
	return true;
}

static bool read_format(const json_t *format, struct google_file *file, struct err **err)
{
	const char *type = json_string_value(json_object_get(format, "type"));
	const char *field = json_string_value(json_object_get(format, "subject_token_field_name"));
	bool is_json = type && strcmp(type, "json") == 0;
	file->subject_field = mem_strdup(is_json && field ? field : "");
	if (format && (!type || (!is_json && strcmp(type, "text") != 0) || (is_json && !field)))
		return err_set(err, ERR_INVALID,
			"\"format\" is neither text nor json with subject_token_field_name");
	return true;
}

/* `credential_source`: where the subject token comes from. */
static bool read_subject(const json_t *source, struct google_file *file, struct err **err)
{
	const struct member members[] = {
		{"file", &file->subject_file, false}, {"url", &file->subject_url, false}};
	if (json_object_get(source, "environment_id"))
		return err_set(err, ERR_INVALID,
			"workload identity federation from AWS is not supported: %s", with_gcloud);
	if (json_object_get(source, "executable") || json_object_get(source, "certificate"))
		return err_set(err, ERR_INVALID,
			"workload identity federation by an executable or a certificate is not "
			"supported: %s",
			with_gcloud);
	if (!read_members(source, members, COUNT(members), err) ||
		!read_headers(json_object_get(source, "headers"), file, err) ||
		!read_format(json_object_get(source, "format"), file, err))
		return false;
	if (!*file->subject_file == !*file->subject_url)
		return err_set(err, ERR_INVALID,
			"\"credential_source\" names neither a file nor a URL, or both");
	if (*file->subject_url && !subject_url_is_usable(file->subject_url))
		return err_set(
			err, ERR_INVALID, "the \"url\" of \"credential_source\" is no https URL");
	return true;
}

static bool read_life(const json_t *root, struct google_file *file, struct err **err)
{
	const json_t *life = json_object_get(
		json_object_get(root, "service_account_impersonation"), "token_lifetime_seconds");
	json_int_t seconds = life ? json_integer_value(life) : GOOGLE_LIFE_DEFAULT_S;
	if (seconds < LIFE_MIN_S || seconds > LIFE_MAX_S)
		return err_set(err, ERR_INVALID, "\"token_lifetime_seconds\" is not from %d to %d",
			LIFE_MIN_S, LIFE_MAX_S);
	file->impersonation_life_s = (unsigned)seconds;
	return true;
}

static bool read_external_account(const json_t *root, struct google_file *file, struct err **err)
{
	const struct member members[] = {{"audience", &file->audience, true},
		{"subject_token_type", &file->subject_type, true},
		{"token_url", &file->token_url, true},
		{"service_account_impersonation_url", &file->impersonation_url, false}};
	if (json_object_get(root, "client_id") ||
		json_object_get(root, "workforce_pool_user_project"))
		return err_set(err, ERR_INVALID,
			"workforce identity federation is not supported: %s", with_gcloud);
	return read_members(root, members, COUNT(members), err) &&
		read_subject(json_object_get(root, "credential_source"), file, err) &&
		read_life(root, file, err) && check_url(&file->token_url, "token_url", NULL, err) &&
		check_url(&file->impersonation_url, "service_account_impersonation_url", NULL, err);
}

static bool read_type(
	const json_t *root, bool may_impersonate, struct google_file *file, struct err **err);

static bool read_impersonated(const json_t *root, struct google_file *file, struct err **err)
{
	const struct member members[] = {
		{"service_account_impersonation_url", &file->impersonation_url, true}};
	const json_t *delegates = json_object_get(root, "delegates");
	size_t i;
	const json_t *value;
	if (json_array_size(delegates) > DELEGATES_MAX)
		return err_set(err, ERR_INVALID, "more than %d \"delegates\"", DELEGATES_MAX);
	json_array_foreach(delegates, i, value)
	{
		const char *text = json_string_value(value);
		if (!text)
			return err_set(err, ERR_INVALID, "\"delegates\" is not usable");
		*vec_push(&file->delegates) = mem_strdup(text);
	}
	file->impersonation_life_s = GOOGLE_LIFE_DEFAULT_S;
	file->source = mem_new(1, sizeof(*file->source));
	return read_members(root, members, COUNT(members), err) &&
		check_url(
			&file->impersonation_url, "service_account_impersonation_url", NULL, err) &&
		(read_type(json_object_get(root, "source_credentials"), false, file->source, err) ||
			err_prefix(err, "\"source_credentials\""));
}

/* Anything else: one of the types, or nothing we know. */
static bool read_type(
	const json_t *root, bool may_impersonate, struct google_file *file, struct err **err)
{
	static const struct {
		const char *name;
		enum google_type type;
		bool (*read)(const json_t *root, struct google_file *file, struct err **err);
	} types[] = {
		{"service_account", GOOGLE_SERVICE_ACCOUNT, read_service_account},
		{"authorized_user", GOOGLE_AUTHORIZED_USER, read_authorized_user},
		{"external_account", GOOGLE_EXTERNAL_ACCOUNT, read_external_account},
		{"impersonated_service_account", GOOGLE_IMPERSONATED, read_impersonated},
	};
	const char *name = json_string_value(json_object_get(root, "type"));
	const char *universe = json_string_value(json_object_get(root, "universe_domain"));
	if (!name)
		return err_set(err, ERR_INVALID,
			"not a file of Google's credentials: an object with \"type\" is expected");
	if (universe && *universe && strcmp(universe, "googleapis.com") != 0)
		return err_set(err, ERR_INVALID,
			"\"universe_domain\" is not googleapis.com: only Google's public cloud is "
			"supported");
	for (size_t i = 0; i < COUNT(types); i++) {
		if (strcmp(types[i].name, name) != 0 ||
			(types[i].type == GOOGLE_IMPERSONATED && !may_impersonate))
			continue;
		file->type = types[i].type;
		return types[i].read(root, file, err);
	}
	return err_set(err, ERR_INVALID,
		"\"type\" is none that is supported (service_account, authorized_user, "
		"external_account, impersonated_service_account): %s",
		with_gcloud);
}

/* So that nobody has to ask whether a text is there. */
static void fill(struct google_file *file)
{
	char **const texts[] = {&file->token_url, &file->email, &file->key, &file->key_id,
		&file->client_id, &file->client_secret, &file->refresh_token, &file->audience,
		&file->subject_type, &file->subject_file, &file->subject_url, &file->subject_field,
		&file->impersonation_url};
	for (size_t i = 0; i < COUNT(texts); i++)
		if (!*texts[i])
			*texts[i] = mem_strdup("");
	if (file->source)
		fill(file->source);
}

bool google_file_parse(const char *text, size_t len, struct google_file *ret_file, struct err **err)
{
	CLEANUP(google_file_release) struct google_file file = {0};
	CLEANUP(json_freep) json_t *root = NULL;
	json_error_t where;
	if (len <= GOOGLE_FILE_MAX)
		root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	/* jansson's own message quotes the text, which is secret. */
	if (!root)
		return err_set(err, ERR_INVALID, "malformed JSON");
	if (!read_type(root, true, &file, err))
		return false;
	fill(&file);
	*ret_file = file;
	file = (struct google_file){0};
	return true;
}
