/*
 * Credentials in cip.yaml: which way of logging in is meant for which side, and Google's accounts
 * that may be impersonated. Secrets never stand in the file itself; whether those it names work is
 * found out by registry/.
 */
#include <string.h>

#include "reconciler/config_private.h"

static void free_text(const char *text)
{
	mem_free((void *)(uintptr_t)text);
}

void config_credentials_release(struct credential_options *options)
{
	free_text(options->username);
	free_text(options->file);
	free_text(options->helper);
	*options = (struct credential_options){0};
}

/* ---- One way of logging in ---- */

enum member {
	MEMBER_USERNAME,
	MEMBER_PASSWORD_FILE,
	MEMBER_TOKEN_FILE,
	MEMBER_IDENTITY_TOKEN_FILE,
	MEMBER_AUTHFILE,
	MEMBER_HELPER,
	MEMBER_GOOGLE,
	MEMBER_ANONYMOUS,
	MEMBER_SOURCE,
	MEMBER_DESTINATION,
	MEMBER_SECRETS, /* and everything behind it */
};

static const char *const members[] = {"username", "password_file", "token_file",
	"identity_token_file", "authfile", "helper", "google", "anonymous", "source", "destination",
	"password", "token", "identity_token", "auth", "secret", NULL};

static const char *const ways[] = {[CREDENTIAL_WAY_PASSWORD_FILE] = "password_file",
	[CREDENTIAL_WAY_TOKEN_FILE] = "token_file",
	[CREDENTIAL_WAY_IDENTITY_TOKEN_FILE] = "identity_token_file",
	[CREDENTIAL_WAY_AUTHFILE] = "authfile",
	[CREDENTIAL_WAY_HELPER] = "helper",
	[CREDENTIAL_WAY_GOOGLE] = "google",
	[CREDENTIAL_WAY_ANONYMOUS] = "anonymous"};

static char *parse_text(struct config_parse *p, const struct yml_node *node, const char *what)
{
	if (!yml_text(p->yml, node, what))
		return NULL;
	if (node->len == 0)
		yml_fault(p->yml, node, "expected %s, found empty text", what);
	return mem_strdup(node->text);
}

static void choose(struct config_parse *p, const struct yml_node *node, enum credential_way way,
	struct credential_options *options)
{
	if (options->way != CREDENTIAL_WAY_NONE)
		yml_fault(p->yml, node, "%s and %s: one credential logs in in one way",
			ways[options->way], ways[way]);
	options->way = way;
}

static void parse_file(struct config_parse *p, const struct yml_node *node, const char *name,
	enum credential_way way, struct credential_options *options)
{
	CLEANUP(mem_freep) char *what = mem_printf("%s: the path of a file", name);
	choose(p, node, way, options);
	free_text(options->file);
	options->file = config_path(p, node, what);
}

/* `google: {}`, `google: {file: PATH}` */
static void parse_google(
	struct config_parse *p, const struct yml_node *node, struct credential_options *options)
{
	static const char *const fields[] = {"file", NULL};
	struct yml_node value;
	size_t field;
	choose(p, node, CREDENTIAL_WAY_GOOGLE, options);
	if (node->kind == YML_NULL ||
		!yml_expect(p->yml, node, YML_MAPPING, "google: a mapping, {} or {file: PATH}"))
		return;
	while (yml_field(p->yml, fields, &field, &value)) {
		free_text(options->file);
		options->file =
			config_path(p, &value, "file: the path of a file of Google's credentials");
	}
}

static void parse_anonymous(
	struct config_parse *p, const struct yml_node *node, struct credential_options *options)
{
	bool is_anonymous = true;
	if (!yml_bool(p->yml, node, "anonymous: true", &is_anonymous))
		return;
	if (!is_anonymous)
		yml_fault(p->yml, node, "anonymous: true is meant, or nothing");
	choose(p, node, CREDENTIAL_WAY_ANONYMOUS, options);
}

static void parse_member(struct config_parse *p, enum member member, const struct yml_node *value,
	struct credential_options *options)
{
	switch (member) {
	case MEMBER_USERNAME:
		options->username = parse_text(p, value, "username: the name of a user");
		break;
	case MEMBER_PASSWORD_FILE:
		parse_file(p, value, members[member], CREDENTIAL_WAY_PASSWORD_FILE, options);
		break;
	case MEMBER_TOKEN_FILE:
		parse_file(p, value, members[member], CREDENTIAL_WAY_TOKEN_FILE, options);
		break;
	case MEMBER_IDENTITY_TOKEN_FILE:
		parse_file(p, value, members[member], CREDENTIAL_WAY_IDENTITY_TOKEN_FILE, options);
		break;
	case MEMBER_AUTHFILE:
		parse_file(p, value, members[member], CREDENTIAL_WAY_AUTHFILE, options);
		break;
	case MEMBER_HELPER:
		choose(p, value, CREDENTIAL_WAY_HELPER, options);
		options->helper =
			parse_text(p, value, "helper: NAME of a program docker-credential-NAME");
		break;
	case MEMBER_GOOGLE:
		parse_google(p, value, options);
		break;
	case MEMBER_ANONYMOUS:
		parse_anonymous(p, value, options);
		break;
	default:
		/* The value is a secret by now: it is not shown. */
		if (yml_expect(p->yml, value, YML_SCALAR, "no secret here"))
			yml_fault(p->yml, value,
				"%s: secrets do not stand in this file: write it to a file of its "
				"own and name that (password_file, token_file, "
				"identity_token_file, authfile)",
				members[member]);
	}
}

static void check(struct config_parse *p, const struct yml_node *place,
	const struct credential_options *options)
{
	bool has_password = options->way == CREDENTIAL_WAY_PASSWORD_FILE;
	if (options->way == CREDENTIAL_WAY_NONE)
		yml_fault(p->yml, place,
			"%s: expected password_file, token_file, identity_token_file, authfile, "
			"helper, google or anonymous",
			options->username ? "a username alone" : "no credential");
	else if (has_password != (options->username != NULL))
		yml_fault(p->yml, place, "username and password_file go together");
}

/* ---- Sides ---- */

static void parse_side(struct config_parse *p, const struct yml_node *node, const char *name,
	struct credential_options *options)
{
	const struct yml_node place = *node;
	struct yml_node value;
	size_t field;
	CLEANUP(mem_freep) char *what = mem_printf("%s: one credential (a mapping)", name);
	if (!yml_expect(p->yml, node, YML_MAPPING, what))
		return;
	while (yml_field(p->yml, members, &field, &value)) {
		if (field == MEMBER_SOURCE || field == MEMBER_DESTINATION)
			yml_fault(p->yml, &value, "%s inside of %s", members[field], name);
		else
			parse_member(p, (enum member)field, &value, options);
	}
	check(p, &place, options);
}

static const char *copy_text(const char *text)
{
	return text ? mem_strdup(text) : NULL;
}

void config_credentials(struct config_parse *p, const struct yml_node *node,
	struct credential_options sides[CREDENTIAL_SIDES])
{
	const struct yml_node place = *node;
	struct credential_options *both = &sides[CREDENTIAL_DESTINATION];
	bool has_both = false, has_side = false;
	struct yml_node value;
	size_t field;
	if (!yml_expect(p->yml, node, YML_MAPPING,
		    "credentials: a mapping, one credential or source and destination"))
		return;
	while (yml_field(p->yml, members, &field, &value)) {
		bool is_side = field == MEMBER_SOURCE || field == MEMBER_DESTINATION;
		if (is_side ? has_both : has_side)
			yml_fault(p->yml, &value,
				"%s: either one credential for both sides, or one for each in "
				"source and destination",
				members[field]);
		has_side |= is_side;
		has_both |= !is_side;
		if (field == MEMBER_SOURCE)
			parse_side(p, &value, members[field], &sides[CREDENTIAL_SOURCE]);
		else if (field == MEMBER_DESTINATION)
			parse_side(p, &value, members[field], &sides[CREDENTIAL_DESTINATION]);
		else
			parse_member(p, (enum member)field, &value, both);
	}
	if (has_side)
		return;
	check(p, &place, both);
	sides[CREDENTIAL_SOURCE] = (struct credential_options){.way = both->way,
		.username = copy_text(both->username),
		.file = copy_text(both->file),
		.helper = copy_text(both->helper)};
}

/* ---- google: ---- */

static void parse_accounts(struct config_parse *p, const struct yml_node *node)
{
	struct yml_node item;
	if (node->kind == YML_NULL ||
		!yml_expect(p->yml, node, YML_SEQUENCE, "impersonate: a list of service accounts"))
		return;
	while (yml_item(p->yml, &item)) {
		char *account = parse_text(p, &item, "a service account");
		if (!account)
			continue;
		if (!strchr(account, '@'))
			yml_fault(p->yml, &item,
				"\"%.100s\": expected a service account such as "
				"name@project.iam.gserviceaccount.com",
				account);
		*vec_push(&p->config->google_accounts) = account;
	}
}

void config_google(struct config_parse *p, const struct yml_node *node)
{
	static const char *const fields[] = {"impersonate", "iam_endpoint", NULL};
	struct yml_node value;
	size_t field;
	if (node->kind == YML_NULL ||
		!yml_expect(p->yml, node, YML_MAPPING, "google: a mapping of settings"))
		return;
	while (yml_field(p->yml, fields, &field, &value)) {
		if (field == 0)
			parse_accounts(p, &value);
		else
			p->config->google_iam_endpoint =
				parse_text(p, &value, "iam_endpoint: a URL such as https://host");
	}
}
