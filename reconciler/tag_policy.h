/*
 * Which tags of a project may be moved: policies/PROJECT/tag-policy.yaml (docs/manifests.md). A list
 * of rules; a tag is mutable if one of them names its image and the tag. Names are patterns of the
 * whole name: '*' stands for any characters, none too, '?' for one; everything else for itself.
 *
 *	mutable:
 *	- image: controller		# without it: every image of the project
 *	  tags: [latest, "v1.*"]
 *
 * Read-only after parsing, then shared by all threads.
 */
#ifndef CIP_RECONCILER_TAG_POLICY_H
#define CIP_RECONCILER_TAG_POLICY_H

#include "reconciler/yaml.h"

#define TAG_POLICY_FILE_MAX ((size_t)1 << 20)
#define TAG_POLICY_PATTERNS_MAX 10000 /* of tags, in one file */
#define TAG_POLICY_FAULTS_MAX 100     /* then the rest of the file is not read */

struct tag_policy;

/*
 * NULL if anything is wrong with the file: every fault goes to the sink, and a file that is half
 * understood allows nothing. The caller frees it with tag_policy_free.
 */
struct tag_policy *tag_policy_parse(const char *bytes, size_t len, const struct yml_sink *sink);
void tag_policy_free(struct tag_policy *policy);
DEFINE_CLEANUP(struct tag_policy, tag_policy_freep, tag_policy_free)

/* `image` is the name below the registries. Time follows the lengths of patterns times the names'. */
bool tag_policy_allows(const struct tag_policy *policy, const char *image, const char *tag);

#endif
