/* For the files of this room that call OpenSSL with a hash function. */
#ifndef CIP_SIGNER_HASH_PRIVATE_H
#define CIP_SIGNER_HASH_PRIVATE_H

#include "signer/hash.h"

struct evp_md_st;

const struct evp_md_st *hash_md(enum hash hash);

#endif
