/* From flags to a policy: an identity and an issuer, each exact or a pattern, or a key. */
#include "cli/policy_flags.h"

#include "base/fs.h"

#define KEY_FILE_MAX_SIZE ((size_t)64 * 1024)

bool policy_flags_check(const struct policy_flags *flags, struct err **err)
{
	bool identity = flags->identity || flags->identity_regexp;
	bool issuer = flags->issuer || flags->issuer_regexp;

	if (flags->identity && flags->identity_regexp)
		return err_set(err, ERR_USAGE,
			"--certificate-identity and --certificate-identity-regexp exclude each "
			"other");
	if (flags->issuer && flags->issuer_regexp)
		return err_set(err, ERR_USAGE,
			"--certificate-oidc-issuer and --certificate-oidc-issuer-regexp exclude "
			"each other");
	if (flags->key && (identity || issuer))
		return err_set(err, ERR_USAGE,
			"--key stands instead of --certificate-identity and "
			"--certificate-oidc-issuer");
	if (!flags->key && (!identity || !issuer))
		return err_set(err, ERR_USAGE,
			"who must have signed: --certificate-identity and "
			"--certificate-oidc-issuer, or --key");
	return true;
}

void loaded_policy_release(struct loaded_policy *loaded)
{
	pattern_free(loaded->identity);
	pattern_free(loaded->issuer);
	public_key_free(loaded->key);
}

static bool pattern_read(
	const char *flag, const char *text, struct pattern **ret_pattern, struct err **err)
{
	if (!text || pattern_new(text, PATTERN_ANYWHERE, ret_pattern, err))
		return true;
	return err_prefix(err, "--%s", flag);
}

static bool key_read(const char *path, struct public_key **ret_key, struct err **err)
{
	CLEANUP(str_release) struct str text = STR_INIT(KEY_FILE_MAX_SIZE);

	if (!path ||
		(fs_read_file(path, &text, err) &&
			public_key_parse_pem(str_text(&text), text.len, ret_key, err)))
		return true;
	return err_prefix(err, "--key %s", path);
}

bool policy_flags_load(const struct policy_flags *flags, bool ignore_sct,
	struct loaded_policy *loaded, struct err **err)
{
	if (!pattern_read("certificate-identity-regexp", flags->identity_regexp, &loaded->identity,
		    err) ||
		!pattern_read("certificate-oidc-issuer-regexp", flags->issuer_regexp,
			&loaded->issuer, err) ||
		!key_read(flags->key, &loaded->key, err))
		return false;
	loaded->signer = (struct policy_signer){
		{flags->identity, loaded->identity}, {flags->issuer, loaded->issuer}};
	loaded->policy = (struct policy)POLICY_INIT;
	loaded->policy.key = loaded->key;
	loaded->policy.signers = &loaded->signer;
	loaded->policy.signer_count = flags->key ? 0 : 1;
	if (ignore_sct)
		loaded->policy.scts = 0;
	return true;
}
