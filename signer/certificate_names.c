/*
 * The names in a certificate: subject alternative names and Fulcio's extensions
 * 1.3.6.1.4.1.57264.1.N. Numbers up to 6 hold bare text, from 8 on a DER UTF8String.
 */
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/alloc.h"
#include "signer/certificate_private.h"

#define NAME_MAX_SIZE 8192
#define SUBJECT_NAMES_MAX 64

/* 1.3.6.1.4.1.57264.1 in DER, without tag and length. */
static const uint8_t fulcio_arc[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01};

enum { FULCIO_ISSUER_OLD = 1, FULCIO_USER_NAME = 7, FULCIO_ISSUER = 8 };

static const char *const claim_names[] = {
	"buildSignerURI",
	"buildSignerDigest",
	"runnerEnvironment",
	"sourceRepositoryURI",
	"sourceRepositoryDigest",
	"sourceRepositoryRef",
	"sourceRepositoryIdentifier",
	"sourceRepositoryOwnerURI",
	"sourceRepositoryOwnerIdentifier",
	"buildConfigURI",
	"buildConfigDigest",
	"buildTrigger",
	"runInvocationURI",
	"sourceRepositoryVisibilityAtSigning",
	"deploymentEnvironment",
	"tokenSubject",
};

const char *certificate_claim_name(unsigned number)
{
	return claim_names[number - CERTIFICATE_CLAIM_FIRST];
}

/* N of 1.3.6.1.4.1.57264.1.N, 0 for any other. */
static unsigned fulcio_number(const ASN1_OBJECT *object)
{
	size_t len = OBJ_length(object);
	const uint8_t *data = OBJ_get0_data(object);

	if (len != sizeof(fulcio_arc) + 1 || memcmp(data, fulcio_arc, sizeof(fulcio_arc)) != 0)
		return 0;
	return data[len - 1] & 0x80 ? 0 : data[len - 1];
}

/* Sets *name if it is still NULL. */
static bool text_keep(char **name, const ASN1_STRING *string, struct err **err)
{
	size_t len = (size_t)ASN1_STRING_length(string);
	const char *data = (const char *)ASN1_STRING_get0_data(string);

	if (len > NAME_MAX_SIZE || memchr(data, '\0', len))
		return err_set(err, ERR_INVALID, "a name in it is too long or holds a NUL");
	if (!*name)
		*name = mem_strndup(data, len);
	return true;
}

static bool wrapped_text_keep(char **name, const ASN1_STRING *value, struct err **err)
{
	const unsigned char *begin = ASN1_STRING_get0_data(value), *end = begin;
	ASN1_UTF8STRING *text = d2i_ASN1_UTF8STRING(NULL, &end, ASN1_STRING_length(value));
	bool ok = text && end == begin + ASN1_STRING_length(value);

	ok = ok ? text_keep(name, text, err)
		: err_set(err, ERR_INVALID, "an extension of Fulcio that is no UTF8String");
	ASN1_UTF8STRING_free(text);
	return ok;
}

struct found {
	char *by_number[CERTIFICATE_CLAIM_LAST + 1];
};

static void found_release(struct found *found)
{
	for (size_t i = 0; i <= CERTIFICATE_CLAIM_LAST; i++)
		mem_free(found->by_number[i]);
}

static bool extensions_read(X509 *x509, struct found *found, struct err **err)
{
	for (int i = 0; i < X509_get_ext_count(x509); i++) {
		X509_EXTENSION *extension = X509_get_ext(x509, i);
		unsigned number = fulcio_number(X509_EXTENSION_get_object(extension));
		const ASN1_STRING *value = X509_EXTENSION_get_data(extension);

		if (number != FULCIO_ISSUER_OLD &&
			(number < FULCIO_ISSUER || number > CERTIFICATE_CLAIM_LAST))
			continue;
		char **name = &found->by_number[number];
		if (*name)
			return err_set(err, ERR_INVALID,
				"extension 1.3.6.1.4.1.57264.1.%u is there twice", number);
		if (!(number == FULCIO_ISSUER_OLD ? text_keep(name, value, err)
						  : wrapped_text_keep(name, value, err)))
			return false;
	}
	return true;
}

static bool user_name_keep(char **name, const OTHERNAME *other, struct err **err)
{
	if (fulcio_number(other->type_id) != FULCIO_USER_NAME ||
		other->value->type != V_ASN1_UTF8STRING)
		return true;
	return text_keep(name, other->value->value.utf8string, err);
}

static bool subject_names_read(const GENERAL_NAMES *list, char **ret_identity, struct err **err)
{
	CLEANUP(mem_freep) char *uri = NULL;
	CLEANUP(mem_freep) char *email = NULL;
	CLEANUP(mem_freep) char *user = NULL;
	int count = sk_GENERAL_NAME_num(list);

	if (count > SUBJECT_NAMES_MAX)
		return err_set(err, ERR_TOO_LARGE, "more than %d subject alternative names",
			SUBJECT_NAMES_MAX);
	for (int i = 0; i < count; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);
		bool ok = true;

		if (name->type == GEN_URI)
			ok = text_keep(&uri, name->d.uniformResourceIdentifier, err);
		else if (name->type == GEN_EMAIL)
			ok = text_keep(&email, name->d.rfc822Name, err);
		else if (name->type == GEN_OTHERNAME)
			ok = user_name_keep(&user, name->d.otherName, err);
		if (!ok)
			return false;
	}
	*ret_identity = uri ? steal_ptr(&uri) : email ? steal_ptr(&email) : steal_ptr(&user);
	return true;
}

bool certificate_names_read(X509 *x509, struct certificate_names *ret_names, struct err **err)
{
	CLEANUP(found_release) struct found found = {0};
	CLEANUP(mem_freep) char *identity = NULL;
	int critical = 0;

	GENERAL_NAMES *list = X509_get_ext_d2i(x509, NID_subject_alt_name, &critical, NULL);
	bool ok = list ? subject_names_read(list, &identity, err)
		       : critical == -1 ||
			err_set(err, ERR_INVALID, "its subject alternative names are malformed");
	GENERAL_NAMES_free(list);
	ERR_clear_error();
	if (!ok || !extensions_read(x509, &found, err))
		return false;

	struct certificate_names names = {.identity = steal_ptr(&identity)};
	names.issuer = steal_ptr(&found.by_number[FULCIO_ISSUER]);
	if (!names.issuer)
		names.issuer = steal_ptr(&found.by_number[FULCIO_ISSUER_OLD]);
	for (size_t i = CERTIFICATE_CLAIM_FIRST; i <= CERTIFICATE_CLAIM_LAST; i++)
		names.claims[i - CERTIFICATE_CLAIM_FIRST] = steal_ptr(&found.by_number[i]);
	*ret_names = names;
	return true;
}

void certificate_names_release(struct certificate_names *names)
{
	mem_free(names->identity);
	mem_free(names->issuer);
	for (size_t i = 0; i < sizeof(names->claims) / sizeof(names->claims[0]); i++)
		mem_free(names->claims[i]);
}
