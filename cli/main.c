/*
 * The command table, and nothing else: which command runs is decided here, what it does in its
 * cmd_<verb>.c. To add one: a cmd_<verb>.c with its flag table, a line in command.h, a row here;
 * help, manual page and completions follow.
 */
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/help.h"
#include "cli/nearest.h"
#include "cli/options.h"

static const struct command commands[] = {
	{.name = "",
		.usage = "[flags]",
		.summary = "makes registries hold what promoter manifests declare",
		.paragraph = "Reads promoter manifests, compares what they declare with what the "
			     "registries hold, and with --confirm copies what is missing: by "
			     "digest, tags last, nothing twice. An entry that is wrong or cannot "
			     "be done is reported and stops no other. A second run writes nothing.",
		.flags = &options_flags,
		.run = cmd_run},
	{.name = "login-check",
		.usage = "login-check [flags]",
		.summary =
			"says for each registry which credentials would be used and whether they "
			"would do, without writing",
		.paragraph = "Asks every registry of the manifests whether a job would get in: can "
			     "it be reached, which credentials would be shown for sources and for "
			     "destinations, would pull and push be granted. Nothing is written; "
			     "push is asked for, but never used. Ends with 0 if everything that is "
			     "needed would be granted, with 3 if not.",
		.flags = &cmd_login_check_flags,
		.run = cmd_login_check},
	{.name = "replicate-signatures",
		.usage = "replicate-signatures [flags]",
		.summary = "copies signatures, attestations and SBOMs to the mirrors of images",
		.paragraph = "Of the destinations of an image that have one public name, one is "
			     "signed. What stands beside the image there, under the tags "
			     "sha256-....sig, .att and .sbom, is brought to all others with "
			     "--confirm, byte for byte. A mirror that holds what the primary "
			     "lacks is never overwritten. A second run writes nothing. Ends with "
			     "0 if everything is in place, or without --confirm would be, with 3 "
			     "if something conflicts or failed.",
		.flags = &cmd_replicate_flags,
		.run = cmd_replicate},
	{.name = "status",
		.usage = "status [flags]",
		.summary = "says how far registries have drifted from what is declared, and writes "
			   "nothing",
		.paragraph = "Compares everything the manifests declare with what the registries "
			     "hold, as a job without --confirm does, and says for each project how "
			     "much of it is in place and what is not: tags that point elsewhere, "
			     "missing images and tags, signatures and promotion records, mirrors "
			     "that differ, tags that no manifest declares. Only the right to pull "
			     "is asked for. Ends with 0 only if nothing drifted and everything "
			     "could be looked at, with 3 if not.",
		.flags = &cmd_status_flags,
		.run = cmd_status},
	{.name = "verify",
		.usage = "verify [flags] IMAGE...",
		.summary = "verifies that images in registries are signed by whom they must be",
		.paragraph = "Looks for signatures of each image (HOST/PATH:TAG or @DIGEST), as "
			     "bundles and in cosign's older form, and verifies that one is by the "
			     "given identity or key and names this image. Statements, such as "
			     "promotion records, count as no signature. Ends with 0 if every image "
			     "has one, with 3 and the reasons if not.",
		.flags = &cmd_verify_flags,
		.run = cmd_verify},
	{.name = "verify-attestation",
		.usage = "verify-attestation --type TYPE [flags] IMAGE...",
		.summary = "verifies attestations of images in registries",
		.paragraph = "As \"verify\", for statements of one predicate type about each "
			     "image. With "
			     "--output=json the statements are printed.",
		.flags = &cmd_verify_attestation_flags,
		.run = cmd_verify_attestation},
	{.name = "verify-bundle",
		.usage = "verify-bundle --bundle FILE [flags] FILE|sha256:HEX",
		.summary = "verifies a Sigstore bundle: who signed an artifact, and when",
		.paragraph = "Verifies that a bundle is a signature of the artifact (or of a "
			     "statement about it) by the given identity or key: the entry in the "
			     "transparency log, the time of signing, the certificate, the "
			     "signature. Nobody is asked but the TUF repository that has the trust "
			     "root, "
			     "unless that is given. Ends with 0 if all of it is good, with 3 and "
			     "the step "
			     "that failed if not.",
		.flags = &cmd_verify_bundle_flags,
		.run = cmd_verify_bundle},
	{.name = "sign-bundle",
		.usage = "sign-bundle --bundle OUT [flags] FILE",
		.summary = "signs a file or statement keylessly and writes a Sigstore bundle",
		.paragraph = "Signs with a certificate for the identity of a token, valid for ten "
			     "minutes, records it in the transparency log and has it timestamped. "
			     "The bundle is written after it has been verified with the trusted "
			     "root. Ends with 0 if it was written.",
		.flags = &cmd_sign_bundle_flags,
		.run = cmd_sign_bundle},
	{.name = "version",
		.usage = "version",
		.summary = "prints the version and the commit it was built from",
		.flags = &cmd_version_flags,
		.run = cmd_version},
	{.name = "tuf",
		.usage = "tuf [flags] init ROOT|refresh|download",
		.summary = "keeps trusted metadata of a TUF repository and fetches its targets",
		.paragraph =
			"A client of The Update Framework. \"init\" makes the file ROOT the start "
			"of trust in the metadata directory; \"refresh\" brings the metadata "
			"there up to date; \"download\" does the same and fetches a target "
			"that the metadata vouches for.",
		.flags = &cmd_tuf_flags,
		.run = cmd_tuf},
	{.name = "help",
		.usage = "help [COMMAND]",
		.summary = "explains a command and its flags",
		.flags = &cmd_help_flags,
		.run = cmd_help},
	{.name = "sigcheck", .summary = "check signatures on mirrors"},
};

static const struct program program = {
	.commands = commands,
	.count = sizeof(commands) / sizeof(commands[0]),
};

static int unknown_command(const char *name)
{
	CLEANUP(mem_freep) char *text = escape_terminal_text(name);
	struct nearest search;

	nearest_init(&search, name, strlen(name));
	for (size_t i = 1; i < program.count; i++) {
		if (program.commands[i].run)
			nearest_offer(&search, program.commands[i].name);
	}
	fprintf(stderr, "cip: there is no command \"%s\"", text);
	if (search.best)
		fprintf(stderr, "; did you mean \"cip %s\"?\n", search.best);
	else
		fputs("; the job itself is \"cip [flags]\", see cip --help\n", stderr);
	return EXIT_CODE_USAGE;
}

int main(int argc, char **argv)
{
	const char *const *arguments = (const char *const *)argv + 1;
	const struct command *command;

	if (argc < 2) {
		help_short(&program, stderr);
		return EXIT_CODE_USAGE;
	}
	if (**arguments == '-')
		return commands[0].run(&program, arguments);
	command = **arguments ? command_find(&program, *arguments) : NULL;
	if (!command)
		return unknown_command(*arguments);
	if (!command->run) {
		fprintf(stderr, "cip: %s: this version of cip cannot %s yet\n", command->name,
			command->summary);
		return EXIT_CODE_USAGE;
	}
	return command->run(&program, arguments + 1);
}
