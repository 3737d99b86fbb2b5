/* Declared states from tables of files, and their findings as text, for tests. */
#ifndef CIP_TESTS_DECLARED_TEXT_H
#define CIP_TESTS_DECLARED_TEXT_H

#include "reconciler/declared.h"
#include "tests/unit/reconciler/memory_source.h"

/* Loads a thin tree and fails the test unless success is as wanted. */
struct declared *declared_of(const struct memory_file *files, bool succeeds);

/* One line a finding: "file:line:column kind: message". */
void add_findings(const struct declared *declared, struct str *out);

/* Compares the findings' lines. */
void expect_findings(const struct declared *declared, const char *wanted);

/* The 64 digits of a digest that is told apart by a letter from a to f or a digit. */
#define D8(x) x x x x x x x x
#define DIGITS(x) D8(x) D8(x) D8(x) D8(x) D8(x) D8(x) D8(x) D8(x)
#define DIGEST(x) "sha256:" DIGITS(x)
#define DIGITS_A DIGITS("a")
#define DIGITS_B DIGITS("b")
#define DIGEST_A DIGEST("a")
#define DIGEST_B DIGEST("b")
#define DIGEST_C DIGEST("c")
#define DIGEST_D DIGEST("d")

/* A manifest with a source and one destination. */
#define MANIFEST(source, destination)                                                              \
	"registries:\n- name: " source "\n  src: true\n- name: " destination "\n"

#endif
